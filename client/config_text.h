// What applying a configuration changes, and what is wrong with one.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// + what is added, - what is removed, ~ what is changed: sections, and their keys below them.
std::string changes_text(const google::protobuf::RepeatedPtrField<v1::ConfigurationChange>& changes,
                         const Terminal& terminal);
// "FILE:LINE:COLUMN: message", a line each.
std::string problems_text(const std::string& file,
                          const google::protobuf::RepeatedPtrField<v1::ConfigurationProblem>& problems);

}  // namespace garner::client
