// The status of everything, on one screen.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// Several lines, each ended.
std::string status_text(const v1::Status& status, const Terminal& terminal);

}  // namespace garner::client
