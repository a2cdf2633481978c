#include "backup/base_snapshot.h"

#include <algorithm>

#include "snapshot/age.h"
#include "snapshot/node.h"

namespace garner::backup {

using store::v1::SnapshotEntry;

const SnapshotEntry* find_base(const store::v1::RepositoryState& state, const store::v1::SetDefinition& set,
                               const std::string& host, TimePoint now) {
  const SnapshotEntry* whole = nullptr;
  const SnapshotEntry* recovered = nullptr;
  const SnapshotEntry* same_sources = nullptr;
  const auto keep_newest = [&](const SnapshotEntry*& newest, const SnapshotEntry& entry) {
    if (newest != nullptr && snapshot::is_older(snapshot::from_proto(entry.snapshot().scan_start()),
                                                snapshot::from_proto(newest->snapshot().scan_start()), now))
      return;
    newest = &entry;
  };
  for (const SnapshotEntry& entry : state.snapshots()) {
    const store::v1::SetDefinition& other = entry.snapshot().set();
    if (other.uuid() == set.uuid()) {
      keep_newest(entry.recovered() ? recovered : whole, entry);
    } else if (!other.sources().empty() && entry.snapshot().host() == host &&
               std::ranges::equal(other.sources(), set.sources())) {
      keep_newest(same_sources, entry);
    }
  }
  if (whole != nullptr) return whole;
  return recovered != nullptr ? recovered : same_sources;
}

bool is_better_base(const SnapshotEntry& one, const SnapshotEntry& other, const store::v1::SetDefinition& set,
                    TimePoint now) {
  const auto rank = [&](const SnapshotEntry& entry) {
    if (entry.snapshot().set().uuid() != set.uuid()) return 0;
    return entry.recovered() ? 1 : 2;
  };
  if (rank(one) != rank(other)) return rank(one) < rank(other);
  return snapshot::is_older(snapshot::from_proto(one.snapshot().scan_start()),
                            snapshot::from_proto(other.snapshot().scan_start()), now);
}

}  // namespace garner::backup
