// What came of a run. Pure functions: text only.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// Several lines, each ended; one for a run that has not ended.
std::string summary(const v1::Run& run, const Terminal& terminal);

}  // namespace garner::client
