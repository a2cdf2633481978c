// What is like that in the snapshots of all destinations, as messages of the API.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "path_query.h"
#include "snapshot/find.h"
#include "snapshots.h"
#include "store/blob_source.h"

namespace garner::daemon {

// FindPaths' answer, a page at a time. One thread at a time.
class PathSearch {
 public:
  static constexpr std::uint32_t kMostMatches = 100'000;

  // `zone`: of who asks, for the times that he types. Error(kInvalidInput) for what cannot be looked for;
  // Error(kNotFound) where there is no snapshot to search; of these otherwise as list_snapshots().
  PathSearch(Destinations& destinations, const v1::FindPathsRequest& request, const std::string& zone = {});

  // Nothing at the end. A page comes after a while's work at the latest, then perhaps an empty one; at once
  // when `cancelled`.
  std::optional<v1::FindPathsResponse> next_page(const std::atomic<bool>& cancelled);

 private:
  // Snapshots of one set, from the oldest to the newest, all where content has the same names: each walked
  // beside the one before it.
  struct Row {
    std::string set;
    std::vector<const SnapshotCopies*> snapshots;
    std::vector<const SnapshotCopy*> copies;  // of each, the nearest with these names
    std::vector<std::unique_ptr<store::BlobSource>> sources;
  };

  void add_to_row(const SnapshotCopies& snapshot);
  void work();
  void begin_row();
  void end_row();
  void add(const Row& row, const snapshot::Match& match);
  void add(std::size_t snapshot, const std::string& path, const Error& error);
  void finish();
  bool is_full() const;

  const PathQuery query_;
  const std::string below_;
  const std::size_t limit_;
  SnapshotHistory history_;
  std::vector<Row> rows_;
  std::size_t row_ = 0;  // that is searched
  std::optional<snapshot::Find> find_;
  std::vector<snapshot::Match> matches_;  // of the row, once it has been searched
  std::size_t told_ = 0;                  // of these
  v1::FindPathsResponse page_;
  std::size_t path_bytes_ = 0;  // in the page
  v1::FindSummary summary_;
  bool done_ = false;
};

}  // namespace garner::daemon
