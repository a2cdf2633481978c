// Which snapshots are in one history.
#pragma once

#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "history_row.h"
#include "snapshots.h"

namespace garner::daemon {

// The snapshots of one set whose content has the same names.
struct HistoryGroup {
  std::string set;                     // its uuid, bytes
  std::string names;                   // backup/same_names.h
  std::vector<crypto::BlobId> listed;  // all of them, ascending
  HistoryRow row;                      // `places` only, without numbers
  bool wants_gaps = true;              // in `row`
  bool reads_in = true;                // what is not known yet
};

// A snapshot that is wanted is in the row of one group: of those that have rows already its nearest,
// otherwise the nearest of all. A group may have no place in its row.
std::vector<HistoryGroup> group_snapshots(const SnapshotHistory& all);

crypto::BlobId id_of(const SnapshotCopy& copy);

}  // namespace garner::daemon
