#include "store/table_filter.h"

#include <sys/mman.h>

#include <new>

#include "base/error.h"
#include "base/file.h"

namespace garner::store {
namespace {

constexpr std::uint64_t kHugePage = 2u << 20;

}  // namespace

bool FilterBudget::take(std::uint64_t bytes) {
  std::uint64_t left = left_;
  do {
    if (left < bytes) return false;
  } while (!left_.compare_exchange_weak(left, left - bytes));
  return true;
}

TableFilter::TableFilter(int fd, const TableLayout& layout, const std::string& path,
                         std::shared_ptr<FilterBudget> budget)
    : fd_(fd),
      path_(path),
      offset_(layout.filter()),
      block_count_(layout.block_count),
      entry_count_(layout.entry_count),
      budget_(std::move(budget)) {
  const std::uint64_t size = block_count_ * kFilterBlock;
  const std::uint64_t mapped = (size + kHugePage - 1) / kHugePage * kHugePage;
  if (!budget_->take(size)) return;
  void* address = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    budget_->give_back(size);
    throw std::bad_alloc();
  }
  held_ = static_cast<std::uint8_t*>(address);
  held_size_ = size;
  // Whole huge pages only: the rest of the last one would be resident for nothing. A hint that may fail.
  madvise(address, size / kHugePage * kHugePage, MADV_HUGEPAGE);
  try {
    if (read_at(fd, {held_, size}, offset_, path_) == size) return;
    throw Error(ErrorKind::kDamaged, "local index table " + printable(path_) + " was cut off");
  } catch (...) {
    release();
    throw;
  }
}

TableFilter::~TableFilter() { release(); }

void TableFilter::release() {
  if (held_ == nullptr) return;
  munmap(held_, (held_size_ + kHugePage - 1) / kHugePage * kHugePage);
  budget_->give_back(held_size_);
}

const std::uint8_t* TableFilter::blocks(std::uint64_t first, std::uint64_t count, Blocks& buffer) const {
  if (held_ != nullptr) return held_ + first * kFilterBlock;
  const MutableByteView wanted = MutableByteView(buffer).first(count * kFilterBlock);
  if (read_at(fd_, wanted, offset_ + first * kFilterBlock, path_) != wanted.size()) {
    throw Error(ErrorKind::kDamaged, "local index table " + printable(path_) + " was cut off");
  }
  return buffer.data();
}

TableFilter::Range TableFilter::range(const std::uint8_t* id) const {
  const std::uint64_t number = block_of(id);
  const bool is_last = number + 1 == block_count_;
  Blocks buffer;
  const std::uint8_t* block = blocks(number, is_last ? 1 : 2, buffer);
  if (!filter::may_contain(block, id)) return {};
  const Range range{filter::first_entry(block),
                    is_last ? entry_count_ : filter::first_entry(block + kFilterBlock)};
  if (range.begin > range.end || range.end > entry_count_) {
    throw Error(ErrorKind::kDamaged, "local index table " + printable(path_) + " has an impossible filter");
  }
  return range;
}

}  // namespace garner::store
