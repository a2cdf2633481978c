#include "store/table_filter.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/file.h"

namespace garner::store {

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
  skew_ = offset_ % static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t size = skew_ + block_count_ * kFilterBlock;
  if (!budget_->take(size)) return;
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset_ - skew_));
  if (address == MAP_FAILED) {
    budget_->give_back(size);
    throw system_error(errno, "mapping " + printable(path), ErrorKind::kReadFailed);
  }
  mapped_ = static_cast<std::uint8_t*>(address);
  mapped_size_ = size;
}

TableFilter::~TableFilter() {
  if (mapped_ == nullptr) return;
  munmap(mapped_, mapped_size_);
  budget_->give_back(mapped_size_);
}

const std::uint8_t* TableFilter::blocks(std::uint64_t first, std::uint64_t count, Blocks& buffer) const {
  if (mapped_ != nullptr) return mapped_ + skew_ + first * kFilterBlock;
  const MutableByteView wanted = MutableByteView(buffer).first(count * kFilterBlock);
  if (read_at(fd_, wanted, offset_ + first * kFilterBlock, path_) != wanted.size()) {
    throw Error(ErrorKind::kDamaged, "local index table " + printable(path_) + " was cut off");
  }
  return buffer.data();
}

TableFilter::Range TableFilter::range(const std::uint8_t* id) const {
  const std::uint64_t number = filter::block_of(id, static_cast<std::uint32_t>(block_count_));
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
