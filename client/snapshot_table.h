// The list of snapshots as a table: its columns, their order, and the headings between rows. Names that are
// none throw usage_failure() with those that are.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "garner/v1/service.pb.h"
#include "table.h"

namespace garner::client {

struct SnapshotColumn {
  std::string name;  // as after --columns, and in capitals the heading
  Column look;
  Cell (*cell)(const v1::SnapshotInfo&) = nullptr;
};

// "id,time,note": of --columns.
std::vector<SnapshotColumn> parse_snapshot_columns(const std::string& names);
// Without it; of sizes if they were asked for, of tags and notes only where there are any.
std::vector<SnapshotColumn> usual_snapshot_columns(bool sizes);

// Of --sort: "time", "files", ...
v1::SnapshotOrder parse_snapshot_order(const std::string& name);

enum class SnapshotGroups { kNone, kDay, kWeek, kMonth };
// Of --group-by: "none", "day", "week", "month".
SnapshotGroups parse_snapshot_groups(const std::string& name);

// Takes a snapshot after the other, as they come in.
class SnapshotTable {
 public:
  explicit SnapshotTable(std::vector<SnapshotColumn> columns);

  void add(const v1::SnapshotInfo& snapshot);
  bool empty() const { return times_.empty(); }

  // For those who do not say: none for a list that is short or not for a terminal; otherwise the shortest in
  // which there are five snapshots or more on average, and months if there is none.
  SnapshotGroups usual_groups(const Terminal& terminal) const;
  // `groups`: above the snapshots of each day, week or month, by the user's clocks, stands which it is.
  std::string render(const Terminal& terminal, SnapshotGroups groups);

 private:
  std::vector<SnapshotColumn> columns_;
  Table table_;
  std::vector<std::time_t> times_;  // of each row
};

}  // namespace garner::client
