#include "base/clock.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <limits>

namespace garner {
namespace {

using Limits = std::numeric_limits<std::int64_t>;

TEST_CASE("times are moved across the ends of seconds, also before 1970") {
  CHECK(shifted({10, 999'999'999}, 1) == TimePoint{11, 0});
  CHECK(shifted({10, 0}, -1) == TimePoint{9, 999'999'999});
  CHECK(shifted({0, 0}, -1'500'000'000) == TimePoint{-2, 500'000'000});
  CHECK(shifted({-2, 500'000'000}, 1'500'000'000) == TimePoint{0, 0});
}

TEST_CASE("times stay within int64 seconds") {
  CHECK(shifted({Limits::max(), 999'999'999}, 1) == TimePoint{Limits::max(), 999'999'999});
  CHECK(shifted({Limits::max(), 0}, Limits::max()) == TimePoint{Limits::max(), 999'999'999});
  CHECK(shifted({Limits::min(), 0}, -1) == TimePoint{Limits::min(), 0});
  CHECK(shifted({Limits::min(), 5}, Limits::min()) == TimePoint{Limits::min(), 0});
}

TEST_CASE("times are brought within what calendars can tell") {
  CHECK(within_calendar({5, 6}) == TimePoint{5, 6});
  CHECK(within_calendar({Limits::min(), 6}) == TimePoint{-62'135'596'800, 0});  // 0001-01-01 00:00:00
  CHECK(within_calendar({Limits::max(), 0}) ==
        TimePoint{253'402'300'799, 999'999'999});  // 9999-12-31 23:59:59
}

TEST_CASE("moving a time keeps order and can be undone") {
  REQUIRE(rc::check("shifted", [](std::int32_t seconds, std::int64_t by) {
    RC_PRE(by != Limits::min());
    const TimePoint time{seconds, *rc::gen::inRange(0u, 1'000'000'000u)};
    const TimePoint moved = shifted(time, by);
    RC_ASSERT(moved.nanos < 1'000'000'000u);
    RC_ASSERT((moved > time) == (by > 0));
    RC_ASSERT(shifted(moved, -by) == time);
  }));
}

TEST_CASE("the system's clock counts from 1970") {
  const TimePoint now = system_clock().now();
  CHECK(now.seconds > 1'700'000'000);
  CHECK(now.nanos < 1'000'000'000u);
  const auto before = system_clock().steady();
  CHECK((system_clock().steady() >= before));
}

}  // namespace
}  // namespace garner
