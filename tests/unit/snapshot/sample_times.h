// Times that tests of selecting snapshots are about.
#pragma once

#include <cstdint>

#include "snapshot/time_text.h"

namespace garner::testing {

inline constexpr std::int64_t kDay = 86'400;  // seconds
// 2026-11-22T18:30:00Z
inline constexpr std::int64_t kEvening = 1'795'372'200;
// Two days later.
inline const snapshot::TimeOrigin kOrigin{{kEvening + 2 * kDay, 0}, "UTC"};

}  // namespace garner::testing
