// What the configuration as a file is read from and written to.
#pragma once

#include "destinations.h"
#include "run_queue.h"
#include "sets.h"

namespace garner::daemon {

struct ConfigParts {
  Destinations& destinations;
  Sets& sets;
  RunQueue& runs;

  catalog::Catalog& catalog() const { return destinations.context().catalog; }
};

}  // namespace garner::daemon
