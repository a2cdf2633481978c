// Which snapshots there are, over all destinations.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "destinations.h"
#include "store/snapshot_tags.h"

namespace garner::daemon {

// A destination, and what it has.
struct SnapshotShelf {
  std::string destination;
  std::shared_ptr<store::Repository> repository;
  std::shared_ptr<const store::v1::RepositoryState> state;
};

// One snapshot, wherever it is. There may be many thousands, and each command begins with all of them.
struct KnownSnapshot {
  const store::v1::SnapshotEntry* entry = nullptr;  // of the first shelf's state
  TimePoint finished;
  boost::container::small_vector<std::uint32_t, 4> shelves;  // numbers
  bool pinned = false;                                       // anywhere
  store::Tags tags;                                          // the same
};

struct AllSnapshots {
  std::vector<SnapshotShelf> shelves;  // nearest first
  std::vector<KnownSnapshot> known;    // from the oldest to the newest
  std::string trouble;                 // with destinations
};

// `asks`: of each for its newest state; otherwise what is known of those that are open.
AllSnapshots gather_snapshots(Destinations& destinations, bool asks = true);

}  // namespace garner::daemon
