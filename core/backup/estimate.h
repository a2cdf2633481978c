// Counts what a first backup has before it, so that progress can tell how much is left.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bounded_calls.h"

namespace garner::backup {

struct Estimate {
  std::uint64_t files = 0;  // regular
  std::uint64_t bytes = 0;
};

// Walks the sources (absolute paths) looking at status only. What cannot be looked at counts as nothing.
// Nothing is returned of use when `stop` was requested.
Estimate estimate_sources(const std::vector<std::string>& sources, bool one_file_system,
                          const std::shared_ptr<BoundedCalls>& calls, std::stop_token stop);

}  // namespace garner::backup
