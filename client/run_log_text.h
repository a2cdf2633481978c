// What is shown of what a run's commands wrote.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// The last lines, and how many there are before them; empty when there are none. Each line is ended.
std::string log_text(const v1::Run& run, const Terminal& terminal);

}  // namespace garner::client
