// What changed between two snapshots, as messages of the API.
#pragma once

#include <atomic>
#include <optional>

#include "snapshot/diff.h"
#include "snapshots.h"

namespace garner::daemon {

// Two snapshots, each where its content has names by which it can be compared with that of the other.
struct SnapshotPair {
  ChosenSnapshot before;
  ChosenSnapshot after;
};
// As they were chosen or, where those two destinations have different keys or sizes of chunks, one of them as
// the other's are (a run's snapshot may be listed at several). Error(kInvalidInput) where there is no such
// destination.
SnapshotPair comparable(Destinations& destinations, ChosenSnapshot before, ChosenSnapshot after);

// DiffSnapshots' answer, a page at a time. One thread at a time.
class DiffListing {
 public:
  // Error(kNotFound), and others of find_node(), for a path that is not there.
  DiffListing(SnapshotPair snapshots, const v1::DiffSnapshotsRequest& request);

  // Into a page that is empty; false at the end. It comes after a while's work at the latest, then perhaps an
  // empty one; at once when `cancelled`.
  bool next_page(v1::DiffSnapshotsResponse& page, const std::atomic<bool>& cancelled);

 private:
  void add(const snapshot::Change& change);
  void add(const std::string& path, const Error& error);
  bool is_full() const;

  const SnapshotPair snapshots_;
  const bool metadata_;
  const bool summary_only_;
  v1::DiffSnapshotsResponse page_;
  std::size_t path_bytes_ = 0;  // in the page
  snapshot::Diff diff_;
  bool done_ = false;
};

}  // namespace garner::daemon
