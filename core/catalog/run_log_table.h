// What the commands of runs have written: the last lines of each run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog_file.h"

namespace garner::catalog {

// Of one run; older lines are dropped.
inline constexpr std::uint64_t kMaximumLogLines = 1000;
inline constexpr std::uint64_t kMaximumLogBytes = 256u << 10;
// Runs whose lines are kept.
inline constexpr std::uint64_t kRunsWithLog = 200;

struct RunLogLine {
  std::uint64_t number = 0;  // from 1 on; those missing below the first were dropped
  TimePoint time;
  std::string origin;  // "before", "shop.sql"
  std::string text;    // UTF-8
};

// Any thread. Lines are durable when append() returns.
class RunLogTable {
 public:
  explicit RunLogTable(CatalogFile& file) : file_(file) {}

  // Lines with rising numbers above the run's last.
  void append(std::int64_t run, const std::vector<RunLogLine>& lines);
  // Oldest first.
  std::vector<RunLogLine> read(std::int64_t run);
  // 0 where it has none.
  std::uint64_t last_number(std::int64_t run);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
