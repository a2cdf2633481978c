// What is like that in the snapshots of all destinations, as messages of the API.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "histories.h"
#include "history_walk.h"
#include "path_query.h"
#include "snapshots.h"

namespace garner::daemon {

// FindPaths' answer, a page at a time. One thread at a time.
class PathSearch {
 public:
  static constexpr std::uint32_t kMostMatches = 100'000;

  // Both outlive it. `zone`: of who asks, for the times that he types. Error(kInvalidInput) for what cannot
  // be looked for; Error(kNotFound) where there is no snapshot to search; of these otherwise as
  // SnapshotListing.
  PathSearch(Destinations& destinations, Histories& histories, const v1::FindPathsRequest& request,
             const std::string& zone = {});

  // Into a page that is empty; false at the end. It comes after a while's work at the latest, then perhaps an
  // empty one; at once when `cancelled`. The first one waits until all snapshots are read in. Errors: as
  // Histories.
  bool next_page(v1::FindPathsResponse& page, const std::atomic<bool>& cancelled);

 private:
  // Something at a path with one content: the bytes of a file, where a symbolic link leads, which device it
  // is; a folder there is the same whatever is in it. Snapshots are places in the row.
  struct Match {
    store::v1::NodeType type = store::v1::NODE_TYPE_UNSPECIFIED;
    std::size_t first = 0;
    std::size_t last = 0;
    std::uint64_t snapshots = 0;  // that have it
    std::uint64_t size = 0;       // both as in the last one
    TimePoint mtime;
  };

  void begin(const std::atomic<bool>& cancelled);
  void work();
  void go_on();
  std::vector<Match> matches_at(const HistoryWalk::Place& place);
  void tell(const Match& match);
  void tell(const HistoryRow::Gap& gap);
  bool is_full() const;

  Histories& histories_;
  const PathQuery query_;
  const std::string below_;
  const std::size_t limit_;
  SnapshotHistory history_;
  std::optional<std::vector<HistoryRow>> rows_;
  std::size_t row_ = 0;  // that is searched
  std::size_t gap_ = 0;  // of the row, that is told of next
  std::optional<HistoryWalk> walk_;
  std::string path_;            // where these were found
  std::vector<Match> matches_;  // the oldest first
  std::size_t told_ = 0;        // of these
  v1::FindPathsResponse page_;
  std::size_t path_bytes_ = 0;  // in the page
  v1::FindSummary summary_;
  bool done_ = false;
};

}  // namespace garner::daemon
