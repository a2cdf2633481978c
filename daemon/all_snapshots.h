// Which snapshots there are, over all destinations.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/repository.h"
#include "store/snapshot_tags.h"

namespace garner::daemon {

class Destinations;

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

// Of the states that were seen last, until one of them has changed. Any thread.
class KnownSnapshots {
 public:
  using All = std::shared_ptr<const std::vector<KnownSnapshot>>;  // from the oldest to the newest

  // What is told is valid while the shelves are.
  All of(const std::vector<SnapshotShelf>& shelves, TimePoint now);

 private:
  std::mutex mutex_;  // of what follows
  std::vector<std::weak_ptr<const store::v1::RepositoryState>> states_;
  TimePoint from_;  // from then on the order is right
  All all_;         // null where it may not last; of use while the states are
};

struct AllSnapshots {
  std::vector<SnapshotShelf> shelves;  // nearest first
  KnownSnapshots::All known;
  std::string trouble;  // with destinations
};

// `asks`: of each for its newest state; otherwise what is known of those that are open.
AllSnapshots gather_snapshots(Destinations& destinations, bool asks = true);

}  // namespace garner::daemon
