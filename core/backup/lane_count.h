// How many threads a run that stores something has.
#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>

#include "store/blob_writer.h"

namespace garner::backup {

// `wanted`: 0 for one for each core. Fewer where memory is not enough for them; one at least.
inline unsigned lane_count(unsigned wanted, std::size_t memory_budget) {
  const unsigned threads = wanted != 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
  const auto affordable = static_cast<unsigned>(memory_budget / store::kMemoryPerLane);
  return std::clamp(threads, 1u, std::max(1u, affordable));
}

}  // namespace garner::backup
