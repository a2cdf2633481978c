#include "snapshot/age.h"

#include <catch2/catch.hpp>
#include <vector>

namespace garner::snapshot {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr TimePoint kAgeNow{1'795'372'200, 5};

TimePoint after(std::int64_t seconds) { return {kAgeNow.seconds + seconds, kAgeNow.nanos}; }

TEST_CASE("what was made later is newer") {
  CHECK(is_older(after(-kHour), kAgeNow, kAgeNow));
  CHECK_FALSE(is_older(kAgeNow, after(-kHour), kAgeNow));
  CHECK(is_older({kAgeNow.seconds, 4}, kAgeNow, kAgeNow));
  CHECK_FALSE(is_older(kAgeNow, kAgeNow, kAgeNow));
  // Another machine's clock may be a little ahead.
  CHECK(is_older(kAgeNow, after(24 * kHour), kAgeNow));
}

TEST_CASE("a clock that was ahead, and is right again, hides nothing that is made then") {
  const TimePoint wrong = after(3 * 365 * 24 * kHour);
  CHECK(is_older(wrong, kAgeNow, kAgeNow));
  CHECK(is_older(wrong, after(-3 * 365 * 24 * kHour), kAgeNow));
  CHECK_FALSE(is_older(kAgeNow, wrong, kAgeNow));
  CHECK(is_older(wrong, after(3 * 365 * 24 * kHour + 1), kAgeNow));
  // When its time has come it is what it says.
  CHECK(is_older(kAgeNow, wrong, wrong));
}

TEST_CASE("a clock that is behind takes what it makes for the newest") {
  const TimePoint begun{0, 0};
  CHECK(is_older(after(-kHour), kAgeNow, begun));
  CHECK(is_older(kAgeNow, {60, 0}, begun));
}

TEST_CASE("ages are an order, whatever the clock shows") {
  const std::vector<TimePoint> times{{-5, 0},
                                     {0, 0},
                                     {0, 1},
                                     after(-kHour),
                                     kAgeNow,
                                     after(24 * kHour),
                                     after(24 * kHour + 1),
                                     after(100 * 24 * kHour),
                                     {INT64_MAX, 999'999'999}};
  for (const TimePoint now : times) {
    for (const TimePoint a : times) {
      CHECK_FALSE(is_older(a, a, now));
      for (const TimePoint b : times) {
        CHECK((a == b || is_older(a, b, now) != is_older(b, a, now)));
        for (const TimePoint c : times) {
          if (is_older(a, b, now) && is_older(b, c, now)) CHECK(is_older(a, c, now));
        }
      }
    }
  }
}

}  // namespace
}  // namespace garner::snapshot
