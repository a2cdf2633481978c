// `config export`: the configuration as a file, without secrets.
#pragma once

#include <string>

#include "config_parts.h"

namespace garner::daemon {

// The same text for the same configuration.
std::string export_config(const ConfigParts& parts);

}  // namespace garner::daemon
