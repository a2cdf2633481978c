#include "all_snapshots.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string_view>

#include "base/error.h"
#include "snapshot/age.h"
#include "snapshot/node.h"

namespace garner::daemon {

AllSnapshots gather_snapshots(Destinations& destinations, bool asks) {
  AllSnapshots all;
  boost::unordered_flat_map<std::string_view, std::size_t> places;  // by id
  for (const auto& facts : destinations.nearest_first()) {
    std::shared_ptr<store::Repository> repository;
    try {
      repository = asks ? destinations.open(facts.name) : destinations.known(facts.name);
    } catch (const Error& error) {
      all.trouble += std::string(all.trouble.empty() ? "" : "; ") + error.what();
      continue;
    }
    const auto number = static_cast<std::uint32_t>(all.shelves.size());
    all.shelves.push_back({facts.name, repository, repository->state()});
    const store::v1::RepositoryState& state = *all.shelves.back().state;
    const auto count = static_cast<std::size_t>(state.snapshots_size());
    all.known.reserve(std::max(all.known.capacity(), count));
    places.reserve(std::max(places.size(), count));
    for (const store::v1::SnapshotEntry& entry : state.snapshots()) {
      const auto [place, added] = places.try_emplace(entry.id(), all.known.size());
      if (added)
        all.known.push_back({&entry, snapshot::from_proto(entry.snapshot().finished()), {}, false, {}});
      KnownSnapshot& known = all.known[place->second];
      known.shelves.push_back(number);
      known.pinned |= entry.pinned();
      known.tags.insert(entry.tags().begin(), entry.tags().end());
    }
  }
  // Those of one time in the order they were committed; nearly always they all are in that order.
  const TimePoint now = destinations.context().clock.now();
  const auto is_older = [&](const KnownSnapshot& a, const KnownSnapshot& b) {
    return snapshot::is_older(a.finished, b.finished, now);
  };
  if (!std::is_sorted(all.known.begin(), all.known.end(), is_older))
    std::stable_sort(all.known.begin(), all.known.end(), is_older);
  return all;
}

}  // namespace garner::daemon
