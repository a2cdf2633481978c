// The filter of a local index table: mapped as far as a budget of resident memory goes, read block by block
// beyond that.
//
// Only filters are mapped. Mapped pages count as resident until the kernel takes them back, and one touch may
// map up to 2 MiB, so entries that were searched through a mapping would have to be given back all the time:
// measured, that allows 100,000 look-ups a second where reading them from the page cache allows a million.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "store/table_layout.h"

namespace garner::store {

// Bytes that filters may keep mapped; for all tables that share it. Any thread.
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
  TableFilter(int fd, const TableLayout& layout, const std::string& path, std::shared_ptr<FilterBudget> budget);
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

 private:
  using Blocks = std::array<std::uint8_t, 2 * kFilterBlock>;
  const std::uint8_t* blocks(std::uint64_t first, std::uint64_t count, Blocks& buffer) const;

  const int fd_;
  const std::string& path_;
  const std::uint64_t offset_;  // in the file
  const std::uint64_t block_count_;
  const std::uint64_t entry_count_;
  const std::shared_ptr<FilterBudget> budget_;
  std::uint8_t* mapped_ = nullptr;  // from the page boundary before offset_
  std::uint64_t mapped_size_ = 0;
  std::uint64_t skew_ = 0;
};

}  // namespace garner::store
