// forget: removes snapshots from the list, by a policy or one by one. What they alone refer to is given back
// by prune. Where a clock is or was wrong, here or where a snapshot was made, a policy keeps more: what is of
// the future takes no other one's place, and a set's last in the log stays.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "maintenance/retention.h"
#include "store/repository.h"

namespace garner::maintenance {

struct ForgetOptions {
  std::string set;         // uuid, bytes; empty: every set
  RetentionPolicy policy;  // without a rule only what `choose` says is forgotten
  // Snapshots that are to go whatever any policy says, chosen from what is listed. May throw.
  std::function<std::vector<crypto::BlobId>(const store::v1::RepositoryState&)> choose;
  // Of the policy's periods, by a set's uuid: the name of a time zone. The system's for a set that is not
  // here.
  std::map<std::string, std::string> zones;
  bool dry_run = false;
};

struct ForgetDecision {
  crypto::BlobId id;
  std::string set;  // its name
  TimePoint time;   // when it was finished
  bool forgotten = false;
  std::vector<std::string> reasons;  // why it is kept; empty for one that no policy was asked about
};

// Decides about every snapshot that is concerned, newest first, and removes in one record what is not kept;
// decided again when somebody else commits first. Error(kInvalidInput) with neither rule nor choice;
// Error(kConflict) for a chosen snapshot that is pinned, or when others commit all the time;
// Error(kPermissionDenied) for a writer that may only add.
std::vector<ForgetDecision> run_forget(store::Repository& repository, const ForgetOptions& options,
                                       const Clock& clock);

// Pins a snapshot, or takes the pin from it. False when there was nothing to do. Error(kNotFound) when it is
// not listed; Error(kPermissionDenied).
bool set_pinned(store::Repository& repository, const crypto::BlobId& id, bool pinned);

}  // namespace garner::maintenance
