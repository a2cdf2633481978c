#include "destination/retry.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/stop_scope.h"

namespace garner::destination {
namespace {

using namespace std::chrono_literals;

TEST_CASE("waits double up to a bound, and differ") {
  Backoff backoff;
  std::chrono::milliseconds most(200);
  for (int i = 0; i < 20; ++i) {
    const auto wait = backoff.next();
    CHECK(wait >= most / 2);
    CHECK(wait <= most);
    most = std::min(most * 2, std::chrono::milliseconds(15'000));
  }
}

TEST_CASE("whoever is told to stop does not wait") {
  CHECK(wait_unless_stopped(1ms));
  std::stop_source stop;
  const StopScope scope(stop.get_token());
  CHECK(wait_unless_stopped(1ms));
  stop.request_stop();
  CHECK_FALSE(wait_unless_stopped(1h));
}

}  // namespace
}  // namespace garner::destination
