// `destination add`: makes a repository where there is nothing, opens the one that is there, and remembers
// it. After that nothing ever initialises the place again.
#pragma once

#include "destinations.h"

namespace garner::daemon {

// Order: keys durable here, then the repository made or opened (which pins it), then the destination in the
// catalog. A crash in between leaves what the same command completes.
v1::AddDestinationResponse add_destination(Destinations& destinations,
                                           const v1::AddDestinationRequest& request);
// What is sure to be refused is refused here, and nothing is changed; the secret is not looked at.
void check_destination(Destinations& destinations, const v1::AddDestinationRequest& request);

}  // namespace garner::daemon
