#include "base/clock.h"

#include <algorithm>
#include <ctime>
#include <limits>

namespace garner {

namespace {

class SystemClock final : public Clock {
 public:
  TimePoint now() const override {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)};
  }
  std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

TimePoint shifted(TimePoint time, std::int64_t nanoseconds) {
  std::int64_t seconds = nanoseconds / kNanosPerSecond;
  std::int64_t nanos = nanoseconds % kNanosPerSecond + time.nanos;
  if (nanos < 0) {
    nanos += kNanosPerSecond;
    --seconds;
  } else if (nanos >= kNanosPerSecond) {
    nanos -= kNanosPerSecond;
    ++seconds;
  }
  using Limits = std::numeric_limits<std::int64_t>;
  if (seconds > 0 && time.seconds > Limits::max() - seconds) return {Limits::max(), kNanosPerSecond - 1};
  if (seconds < 0 && time.seconds < Limits::min() - seconds) return {Limits::min(), 0};
  return {time.seconds + seconds, static_cast<std::uint32_t>(nanos)};
}

TimePoint within_calendar(TimePoint time) {
  constexpr TimePoint kFirst{-62'135'596'800, 0};
  constexpr TimePoint kLast{253'402'300'799, kNanosPerSecond - 1};
  return std::clamp(time, kFirst, kLast);
}

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace garner
