// Snapshots over all destinations: listed, chosen by what people type, and looked into.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "destinations.h"
#include "snapshot/tree.h"

namespace garner::daemon {

struct AllSnapshots;
struct KnownSnapshot;

// A snapshot and the nearest repository that holds it.
struct ChosenSnapshot {
  std::string id;  // hex
  store::v1::Snapshot snapshot;
  std::shared_ptr<store::Repository> repository;
};

// `zone`, here and below: of who asks, for the times that he types; empty: the system's.

// What snapshots hold that are listed.
struct HeldSizes {
  v1::SnapshotSizes all;
  std::map<std::string, std::uint64_t> only;  // by id in hex; of one that cannot be read, nothing
};

// Those that all that is asked holds for, in the order that is asked for, a page at a time. Destinations that
// are away are left out, with what was seen of them before.
class SnapshotListing {
 public:
  // Error(kNotFound) where a SELECTOR chooses nothing; Error(kInvalidInput) for what is none, and for no
  // time; Error(kDestinationAway) where nothing is found and some are away.
  SnapshotListing(Destinations& destinations, const v1::ListSnapshotsRequest& request,
                  const std::string& zone = {});
  ~SnapshotListing();

  bool empty() const;
  std::set<std::string> ids() const;  // in hex
  // Before the first page.
  void set_sizes(HeldSizes sizes) { sizes_ = std::move(sizes); }
  // Into a page that is empty. At least one; false at the end, and once it is cancelled.
  bool next_page(v1::ListSnapshotsResponse& page, const std::atomic<bool>& cancelled);

 private:
  const std::unique_ptr<const AllSnapshots> all_;
  std::vector<const KnownSnapshot*> listed_;
  std::optional<HeldSizes> sizes_;
  std::size_t next_ = 0;
  bool done_ = false;
};

// If the first of `names` is a set, configured or of some snapshot, takes it away and returns it; otherwise
// empty.
std::string take_set(Destinations& destinations, google::protobuf::RepeatedPtrField<std::string>& names);

// By SNAPSHOT. Error(kNotFound) with near ones, and with the destinations that could not be asked.
ChosenSnapshot choose_snapshot(Destinations& destinations, const std::string& selector,
                               const std::string& zone = {});

// By SELECTOR: whole ids in hex, of all destinations. Errors as above.
std::vector<std::string> choose_snapshots(Destinations& destinations, const std::string& selector,
                                          const std::string& set, const std::string& zone = {});

// A run's snapshot at one destination.
struct SnapshotCopy {
  std::string id;  // hex; another one where keys are others
  std::shared_ptr<const store::v1::Snapshot> snapshot;
  std::string destination;
  std::shared_ptr<store::Repository> repository;
};
google::protobuf::Timestamp time_of(const SnapshotCopy& copy);
// Everywhere.
struct SnapshotCopies {
  std::vector<SnapshotCopy> copies;  // never empty; the nearest destination's first
  bool wanted = false;
};
struct SnapshotHistory {
  std::vector<SnapshotCopies> snapshots;           // from the oldest to the newest
  std::string trouble;                             // with destinations that could not be asked; empty: none
  std::chrono::steady_clock::time_point listed{};  // when that began
};
// All that there are, and which of them SnapshotListing would list. Errors as above.
SnapshotHistory snapshot_history(Destinations& destinations, const v1::ListSnapshotsRequest& wanted,
                                 const std::string& zone = {});
// The same, all of them wanted, as far as it is known: no destination is asked.
SnapshotHistory known_history(Destinations& destinations);

// The entries of a folder of a snapshot, a page at a time; of a file, itself.
class FolderListing {
 public:
  FolderListing(ChosenSnapshot chosen, const std::string& path);
  // Into a page that is empty; false at the end, and once it is cancelled.
  bool next_page(v1::ListFolderResponse& page, const std::atomic<bool>& cancelled);

 private:
  ChosenSnapshot chosen_;
  std::vector<v1::Entry> ready_;  // entries that come first
  std::unique_ptr<snapshot::TreeReader> reader_;
  bool done_ = false;
};

}  // namespace garner::daemon
