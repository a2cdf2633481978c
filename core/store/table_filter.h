// The filter of a local index table: held in memory as far as a budget goes, read block by block beyond that.
//
// Each look-up touches one cache line of each table's filter, at random. So it is anonymous memory on huge
// pages: measured on filters mapped from the file, most of a look-up's time were misses of the TLB. Entries
// are not mapped either. Mapped pages count as resident until the kernel takes them back, and one touch may
// map up to 2 MiB, so that they would have to be given back all the time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "store/table_layout.h"

namespace garner::store {

// Bytes of filters that may be in memory; for all tables that share it. Any thread.
class FilterBudget {
 public:
  explicit FilterBudget(std::uint64_t limit = 96u << 20) : left_(limit) {}
  bool take(std::uint64_t bytes);
  void give_back(std::uint64_t bytes) { left_ += bytes; }

 private:
  std::atomic<std::uint64_t> left_;
};

// Const use is safe from any thread.
class TableFilter {
 public:
  // Of the table in the open file, which must outlive this. Error(kReadFailed).
  TableFilter(int fd, const TableLayout& layout, const std::string& path,
              std::shared_ptr<FilterBudget> budget);
  ~TableFilter();
  TableFilter(const TableFilter&) = delete;
  TableFilter& operator=(const TableFilter&) = delete;

  // Where the entries of an id can be.
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  // not above the table's entries; equal to begin when the table lacks the id
  };
  // Error(kReadFailed); Error(kDamaged).
  Range range(const std::uint8_t* id) const;
  // Begins to bring what range() looks at into the processor's cache: the filters of several tables are asked
  // for at once, and waited for together. Always inline: GCC takes a function that only prefetches for one
  // that does nothing, and leaves out its calls.
  [[gnu::always_inline]] void prefetch(const std::uint8_t* id) const {
    if (held_ != nullptr) __builtin_prefetch(held_ + block_of(id) * kFilterBlock);
  }

 private:
  std::uint64_t block_of(const std::uint8_t* id) const {
    return filter::block_of(id, static_cast<std::uint32_t>(block_count_));
  }
  void release();
  using Blocks = std::array<std::uint8_t, 2 * kFilterBlock>;
  const std::uint8_t* blocks(std::uint64_t first, std::uint64_t count, Blocks& buffer) const;

  const int fd_;
  const std::string& path_;
  const std::uint64_t offset_;  // in the file
  const std::uint64_t block_count_;
  const std::uint64_t entry_count_;
  const std::shared_ptr<FilterBudget> budget_;
  std::uint8_t* held_ = nullptr;  // all blocks
  std::uint64_t held_size_ = 0;
};

}  // namespace garner::store
