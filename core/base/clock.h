// Time, behind an interface so that a test can set it. Implementations are safe to call from any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace garner {

inline constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

// Nanoseconds of a file time: seconds since 1970-01-01 UTC (negative before) and 0 to 999,999,999 that count
// upwards.
struct TimePoint {
  std::int64_t seconds = 0;
  std::uint32_t nanos = 0;
  auto operator<=>(const TimePoint&) const = default;
};

// `time` moved by `nanoseconds` (either sign); saturates at the ends of int64 seconds.
TimePoint shifted(TimePoint time, std::int64_t nanoseconds);

// `time`, or the nearest of the years 1 to 9999: what calendars and messages can tell. A file, and whoever
// writes to a repository, may have any other.
TimePoint within_calendar(TimePoint time);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;  // wall clock
  virtual std::chrono::steady_clock::time_point steady() const = 0;
};

// The system's clocks.
const Clock& system_clock();

}  // namespace garner
