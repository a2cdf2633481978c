// Tags of snapshots, changed at every destination that lists them.
#pragma once

#include <string>

#include "destinations.h"

namespace garner::daemon {

// Tells of each snapshot that a SELECTOR of the request chooses, whose times are of this zone. All is chosen,
// and every destination opened, before anything is changed; cut off, it is done again. Error(kNotFound) where
// a SELECTOR chooses nothing; Error(kInvalidInput) for what is no tag, for too many, and for a request that
// says nothing or what excludes each other; Error(kPermissionDenied) at a destination to which this machine
// may only add.
v1::TagSnapshotsResponse tag_snapshots(Destinations& destinations, const v1::TagSnapshotsRequest& request,
                                       const std::string& zone = {});

}  // namespace garner::daemon
