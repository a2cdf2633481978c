// Times that tests of what people are shown are about.
#pragma once

#include <cstdint>

namespace garner::client {

inline constexpr std::int64_t kSecondsADay = 86'400;     // seconds
inline constexpr std::int64_t kEvening = 1'795'372'200;  // Sunday, 2026-11-22T18:30:00Z

}  // namespace garner::client
