// Snapshots as rows, newest first: years, which fold into months and days, by the user's clocks. At first the
// newest day is open; while something filters, all is. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "garner/v1/service.pb.h"

namespace garner::client::browse {

class Timeline {
 public:
  enum class Level { kYear, kMonth, kDay, kSnapshot };
  struct Row {
    Level level = Level::kSnapshot;
    std::size_t snapshot = 0;  // itself, or the newest of those that are folded into it
    std::size_t count = 0;     // how many these are
    bool is_open = false;
  };

  // `list`: newest first.
  explicit Timeline(v1::ListSnapshotsResponse list);

  const std::vector<Row>& rows() const { return rows_; }
  // "2026", "November", "Sun 29", "18:30:05 home".
  std::string label(const Row& row) const;

  std::size_t size() const { return static_cast<std::size_t>(list_.snapshots_size()); }
  std::size_t matches() const { return matches_; }  // what the filter lets through
  const v1::SnapshotInfo& snapshot(std::size_t number) const {
    return list_.snapshots(static_cast<int>(number));
  }
  std::optional<std::size_t> find(const std::string& id) const;
  // Of the same set, whatever the filter is; nothing at the end.
  std::optional<std::size_t> older(std::size_t number) const { return neighbour(number, 1); }
  std::optional<std::size_t> newer(std::size_t number) const { return neighbour(number, -1); }

  // Nothing for a row that is a snapshot.
  void set_open(std::size_t row, bool open);
  // The row that this one is folded into; itself for a year.
  std::size_t row_above(std::size_t row) const;
  // The row of a snapshot; what it is folded into is opened. Nothing where the filter keeps it out.
  std::optional<std::size_t> reveal(std::size_t number);

  // Words that are all to be found in set, host, time ("2026-11-29 18:30:05") or a tag, or at the beginning
  // of the id, capitals or not.
  void filter(const std::string& words);
  const std::string& filter() const { return filter_; }

 private:
  // Numbers that grow with time, and are 0 below the level: 20261129, 20261100, 20260000.
  using Key = int;
  struct Facts {
    Key day = 0;
    std::string time;  // "2026-11-29 18:30:05"
    std::string searched;
  };
  static Key key_of(Key day, Level level);
  bool is_open(Key key) const;
  bool passes(std::size_t number, const std::vector<std::string>& words) const;
  std::optional<std::size_t> neighbour(std::size_t number, int step) const;
  void lay_out();

  v1::ListSnapshotsResponse list_;
  std::vector<Facts> facts_;
  std::map<std::string, std::vector<std::size_t>> sets_;
  std::string filter_;
  std::vector<std::size_t> passing_;
  std::size_t matches_ = 0;
  std::set<Key> open_;    // without a filter
  std::set<Key> folded_;  // with one
  std::vector<Row> rows_;
};

}  // namespace garner::client::browse
