// `destination edit`: what may be changed of a destination. Its place and its keys may not.
#pragma once

#include "destinations.h"
#include "schedule/instant.h"

namespace garner::daemon {

// What the request does not name stays as it is. Error(kNotFound), Error(kInvalidInput): nothing has changed.
// Running runs obey its limits after Destinations::reload_limits().
void edit_destination(Destinations& destinations, const v1::EditDestinationRequest& request);
// What can be said of these parts of a request before anything is changed. Error(kInvalidInput).
void check_maintenance(const v1::MaintenanceChange& change, const Clock& clock);
void check_reference(const v1::SecretReference& reference);

}  // namespace garner::daemon
