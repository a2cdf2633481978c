// The times that schedules count in: microseconds, as calendar expressions do.
#pragma once

#include <chrono>

#include "base/clock.h"

namespace garner::schedule {

// Microseconds since 1970-01-01 UTC.
using Instant = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

// Rounded down to microseconds. Times beyond the year 200,000 saturate.
inline Instant to_instant(TimePoint time) {
  constexpr std::int64_t kMost = 6'000'000'000'000;  // seconds
  const std::int64_t seconds = time.seconds > kMost ? kMost : time.seconds < -kMost ? -kMost : time.seconds;
  return Instant(Duration(seconds * 1'000'000 + time.nanos / 1000));
}

inline TimePoint to_time_point(Instant instant) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(instant);
  return {seconds.time_since_epoch().count(),
          static_cast<std::uint32_t>((instant - seconds).count()) * std::uint32_t{1000}};
}

}  // namespace garner::schedule
