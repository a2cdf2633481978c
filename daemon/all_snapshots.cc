#include "all_snapshots.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "destinations.h"
#include "snapshot/age.h"
#include "snapshot/node.h"

namespace garner::daemon {
namespace {

std::vector<KnownSnapshot> known_of(const std::vector<SnapshotShelf>& shelves, TimePoint now) {
  std::vector<KnownSnapshot> all;
  boost::unordered_flat_map<std::string_view, std::size_t> places;  // by id
  for (std::uint32_t number = 0; number < shelves.size(); ++number) {
    const store::v1::RepositoryState& state = *shelves[number].state;
    const auto count = static_cast<std::size_t>(state.snapshots_size());
    all.reserve(std::max(all.capacity(), count));
    places.reserve(std::max(places.size(), count));
    for (const store::v1::SnapshotEntry& entry : state.snapshots()) {
      const auto [place, added] = places.try_emplace(entry.id(), all.size());
      if (added) all.push_back({&entry, snapshot::from_proto(entry.snapshot().finished()), {}, false, {}});
      KnownSnapshot& known = all[place->second];
      known.shelves.push_back(number);
      known.pinned |= entry.pinned();
      known.tags.insert(entry.tags().begin(), entry.tags().end());
    }
  }
  // Those of one time in the order they were committed; nearly always they all are in that order.
  const auto is_older = [&](const KnownSnapshot& a, const KnownSnapshot& b) {
    return snapshot::is_older(a.finished, b.finished, now);
  };
  if (!std::is_sorted(all.begin(), all.end(), is_older)) std::stable_sort(all.begin(), all.end(), is_older);
  return all;
}

}  // namespace

KnownSnapshots::All KnownSnapshots::of(const std::vector<SnapshotShelf>& shelves, TimePoint now) {
  const auto is_state = [](const auto& state, const SnapshotShelf& shelf) {
    return state.lock() == shelf.state;
  };
  {
    const std::lock_guard lock(mutex_);
    if (all_ && now >= from_ && std::ranges::equal(states_, shelves, is_state)) return all_;
  }
  const auto all = std::make_shared<const std::vector<KnownSnapshot>>(known_of(shelves, now));
  const bool lasts = std::ranges::none_of(*all, [&](const KnownSnapshot& one) { return one.finished > now; });
  const std::lock_guard lock(mutex_);
  states_.clear();
  for (const SnapshotShelf& shelf : shelves) states_.emplace_back(shelf.state);
  from_ = now;
  // What is of the future has another place in the order once it is not.
  all_ = lasts ? all : nullptr;
  return all;
}

AllSnapshots gather_snapshots(Destinations& destinations, bool asks) {
  AllSnapshots all;
  for (const auto& facts : destinations.nearest_first()) {
    std::shared_ptr<store::Repository> repository;
    try {
      repository = asks ? destinations.open(facts.name) : destinations.known(facts.name);
    } catch (const Error& error) {
      all.trouble += std::string(all.trouble.empty() ? "" : "; ") + error.what();
      continue;
    }
    all.shelves.push_back({facts.name, repository, repository->state()});
  }
  all.known = destinations.known_snapshots().of(all.shelves, destinations.context().clock.now());
  return all;
}

}  // namespace garner::daemon
