// What a forget or a prune came to, for people.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

std::string forget_facts(const v1::Run& run, const Terminal& terminal);
std::string prune_facts(const v1::Run& run, const Terminal& terminal);

}  // namespace garner::client
