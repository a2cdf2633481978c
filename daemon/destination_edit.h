// `destination edit`: what may be changed of a destination. Its place and its repository's keys may not, but
// how the place is reached.
#pragma once

#include "destinations.h"
#include "schedule/instant.h"

namespace garner::daemon {

// What the request does not name stays as it is. Error(kNotFound), Error(kInvalidInput),
// Error(kDestinationAway) where what an option names cannot be read: nothing has changed. Running runs obey
// it after Destinations::reload().
void edit_destination(Destinations& destinations, const v1::EditDestinationRequest& request);
// What changes the repository, or what is believed of it, may fail when the rest is saved: so it comes by
// itself. Error(kInvalidInput).
void check_alone(const v1::EditDestinationRequest& request);
// What can be said of these parts of a request before anything is changed. Error(kInvalidInput).
void check_maintenance(const v1::MaintenanceChange& change, const Clock& clock);
void check_reference(const v1::SecretReference& reference);

}  // namespace garner::daemon
