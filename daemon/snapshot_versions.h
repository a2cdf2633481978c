// Which versions of what stands at a path the snapshots of all destinations have.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "histories.h"

namespace garner::daemon {

// `zone`: of who asks, for the times that he types. Error(kNotFound) where no snapshot has anything at the
// path, naming the deepest folder of the newest that has the path in its sources; Error(kInvalidInput) for a
// path that is not absolute; of the snapshots that are asked for as SnapshotListing; otherwise as Histories.
v1::ListVersionsResponse list_versions(Destinations& destinations, Histories& histories,
                                       const v1::ListVersionsRequest& request, const std::string& zone,
                                       const Histories::Ends& cancelled);

}  // namespace garner::daemon
