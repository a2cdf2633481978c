// How a section of the configuration changes, for people.
#pragma once

#include <optional>
#include <string>

#include "config_value.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// Without keys where both are there and equal; nothing: the section is not there. One of both is.
v1::ConfigurationChange difference(const std::string& section, const std::string& name,
                                   const std::optional<ConfigValues>& before,
                                   const std::optional<ConfigValues>& after);

}  // namespace garner::daemon
