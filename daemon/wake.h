// When a scheduler looks again. Pure functions.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "schedule/reading.h"

namespace garner::daemon {

// Clocks drift, disks are plugged in, and nobody tells.
inline constexpr std::chrono::minutes kLongestPause{30};

inline void keep_earliest(std::optional<schedule::Instant>& earliest,
                          const std::optional<schedule::Instant>& time) {
  if (time.has_value() && (!earliest.has_value() || *time < *earliest)) earliest = time;
}

// Rounded up: who wakes before the time finds nothing due.
inline std::chrono::milliseconds pause_until(const std::optional<schedule::Instant>& wake,
                                             const schedule::Reading& now) {
  const schedule::Duration pause = wake.has_value() ? *wake - now.wall : schedule::Duration(kLongestPause);
  return std::clamp(std::chrono::ceil<std::chrono::milliseconds>(pause), std::chrono::milliseconds(1),
                    std::chrono::milliseconds(kLongestPause));
}

}  // namespace garner::daemon
