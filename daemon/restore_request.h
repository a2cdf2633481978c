// What `restore` asks for, resolved before a run is made of it, so that what cannot be is refused at once.
#pragma once

#include "destinations.h"
#include "stored_request.h"

namespace garner::daemon {

struct PreparedRestore {
  StoredRequest stored;  // the snapshot's whole id, a normal target
};

// Error(kNotFound) for an unknown snapshot or path, with near ones; Error(kInvalidInput) for a target that is
// no absolute path or lies in the state folder or a repository; Error(kAlreadyExists) for a target that is
// not empty, unless it is the unfinished restore of the same, or an overwrite policy was given. `zone`: of
// who asks, as for choose_snapshot().
PreparedRestore prepare_restore(Destinations& destinations, const v1::StartRestoreRequest& request,
                                const std::string& zone = {});

}  // namespace garner::daemon
