// The configuration as a file: TOML, read into sections with their places, and written. What keys mean is not
// known here, see config_keys.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config_value.h"

namespace garner::daemon {

// Sections of these kinds, in the order of the file. What cannot be read is told in `problems`: TOML that is
// none once, everything else together.
std::vector<ConfigSection> read_config(std::string_view text, const std::vector<std::string>& kinds,
                                       std::vector<Problem>& problems);

// As the file would have it; a list of one is written as its element.
std::string to_toml(const ConfigValue& value);
// A section with its header, each line ended. `comment`: lines below the header, or empty.
std::string to_toml(const std::string& kind, const std::string& name, const ConfigValues& values,
                    const std::string& comment);

}  // namespace garner::daemon
