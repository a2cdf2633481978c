// Which versions of what stands at a path the snapshots of all destinations have.
#pragma once

#include <functional>
#include <string>

#include "destinations.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// Each snapshot is read at the nearest destination that lists it and from which it can be read. `cancelled`
// is asked before each. `zone`: of who asks, for the times that he types. Error(kNotFound) where no snapshot
// has anything at the path, naming the deepest folder of the newest that has the path in its sources;
// Error(kInvalidInput) for a path that is not absolute; Error(kCancelled); of the snapshots that are asked
// for as list_snapshots().
v1::ListVersionsResponse list_versions(Destinations& destinations, const v1::ListVersionsRequest& request,
                                       const std::string& zone, const std::function<bool()>& cancelled);

}  // namespace garner::daemon
