// What a copy is asked to do.
#pragma once

#include "catalog/configuration.h"
#include "destinations.h"
#include "stored_request.h"

namespace garner::daemon {

// Looks at the snapshot and at the destination that is to have it. Error(kNotFound) as choose_snapshot(), and
// for an unknown destination. `zone`: of who asks, as for choose_snapshot().
StoredRequest copy_request(Destinations& destinations, const v1::StartCopyRequest& request,
                           const std::string& zone = {});

// For a destination that is behind: the set's newest snapshot.
StoredRequest catch_up_request(const catalog::BackupSet& set, const std::string& destination);

}  // namespace garner::daemon
