// What `?` shows while browsing.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace garner::client::browse {

// Lines, of at most `width` columns.
std::vector<std::string> help_text(std::size_t width);

}  // namespace garner::client::browse
