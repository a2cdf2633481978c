// Which snapshot of a repository a run compares with.
#pragma once

#include <string>

#include "base/clock.h"
#include "garner/v1/store.pb.h"

namespace garner::backup {

// The set's newest (snapshot/age.h) by when its scan began; one that was recovered, and may lack something,
// only where there is no other. For a set that is new here the newest of the same sources of `host`. Null
// where there is none either. A pure function.
const store::v1::SnapshotEntry* find_base(const store::v1::RepositoryState& state,
                                          const store::v1::SetDefinition& set, const std::string& host,
                                          TimePoint now);

// Of what that finds in several repositories: whether `other` is the better one to compare with. The same
// order.
bool is_better_base(const store::v1::SnapshotEntry& one, const store::v1::SnapshotEntry& other,
                    const store::v1::SetDefinition& set, TimePoint now);

}  // namespace garner::backup
