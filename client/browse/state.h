// What is seen while browsing. A value.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "browse/cursor.h"
#include "browse/folder.h"
#include "browse/restore_plan.h"
#include "browse/timeline.h"

namespace garner::client::browse {

// What is known of the folder that is seen.
enum class Contents { kUnread, kThere, kMissing, kUnreadable };

struct State {
  explicit State(Timeline snapshots) : timeline(std::move(snapshots)) {}

  Timeline timeline;
  Cursor in_timeline;

  std::size_t snapshot = 0;  // whose tree is seen
  std::string place = "/";   // the folder of it, as a path of the machine
  std::string root = "/";    // the uppermost
  Contents contents = Contents::kUnread;
  bool is_cut = false;  // it has more than is seen
  Folder folder;
  Cursor in_folder;
  std::string changes_note;  // why marks are missing; empty: they are not

  std::set<MarkedPath> marked;
  bool tree_has_keys = false;  // otherwise the timeline
  bool is_typing = false;      // a filter, for what has the keys
  std::string message;         // until the next key
  std::string progress;        // of a restore

  const v1::SnapshotInfo& shown() const { return timeline.snapshot(snapshot); }
  // The row under the cursor, where there is one.
  const Folder::Row* row() const {
    return in_folder.at() < folder.rows().size() ? &folder.rows()[in_folder.at()] : nullptr;
  }
  // The row as it would be marked: what was removed is in the snapshot before.
  MarkedPath path_of(const Folder::Row& row) const;
};

}  // namespace garner::client::browse
