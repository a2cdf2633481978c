#include "base/rate_limiter.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "base/stop_scope.h"
#include "support/eventually.h"

using namespace garner;
using namespace std::chrono_literals;

namespace {

class FakeClock final : public Clock {
 public:
  TimePoint now() const override { return shifted(wall, passed.count()); }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(1h) + passed;
  }
  TimePoint wall{1'800'000'000, 0};
  std::chrono::nanoseconds passed{0};
};

RateLimiter::Plan always(std::optional<std::uint64_t> rate) {
  return [rate](TimePoint) { return RateNow{rate, std::nullopt}; };
}

// As pay() does it, but that the clock moves where it would wait.
void pay(RateLimiter& limiter, FakeClock& clock, std::uint64_t bytes) {
  while (bytes > 0) {
    const RateLimiter::Step step = limiter.step(bytes);
    bytes -= step.taken;
    clock.passed += step.wait;
  }
}

}  // namespace

TEST_CASE("a limiter without a plan lets everything by") {
  FakeClock clock;
  RateLimiter limiter(clock);
  CHECK_FALSE(limiter.rate().has_value());
  limiter.pay(1ull << 50, {});
  CHECK(limiter.step(12345).taken == 12345);
}

TEST_CASE("what is paid for takes as long as the rate says") {
  FakeClock clock;
  RateLimiter limiter(clock);
  limiter.set_plan(always(2'000'000));
  pay(limiter, clock, 7'200'000'000);  // an hour's
  CHECK(clock.passed > 3599s);
  CHECK(clock.passed <= 3600s);
}

TEST_CASE("a rate that ends by the wall clock ends on the spot, and the next one begins there") {
  FakeClock clock;
  RateLimiter limiter(clock);
  const TimePoint change{clock.wall.seconds + 100, 500'000'000};
  limiter.set_plan([&](TimePoint now) {
    return now < change ? RateNow{1'000'000, change} : RateNow{10'000, std::nullopt};
  });
  pay(limiter, clock, 100'500'000);  // what goes by until then, but for what the bucket held
  const auto at_change = clock.passed;
  CHECK(at_change <= 100s + 500ms);
  pay(limiter, clock, 250'000 + 10'000 * 100);
  CHECK(clock.passed > 190s);
  CHECK(clock.passed < 205s);
  CHECK(limiter.rate() == 10'000);
}

TEST_CASE("a limit that ends while somebody waits lets him go") {
  FakeClock clock;
  RateLimiter limiter(clock);
  const TimePoint change{clock.wall.seconds + 30, 0};
  limiter.set_plan([&](TimePoint now) {
    return now < change ? RateNow{1000, change} : RateNow{std::nullopt, std::nullopt};
  });
  pay(limiter, clock, 1'000'000);
  CHECK(clock.passed == 30s);
}

TEST_CASE("a clock that is set is noticed within a minute") {
  FakeClock clock;
  RateLimiter limiter(clock);
  const TimePoint night{clock.wall.seconds + 36'000, 0};
  limiter.set_plan([&](TimePoint now) {
    return now < night ? RateNow{1000, night} : RateNow{std::nullopt, std::nullopt};
  });
  pay(limiter, clock, 5000);
  clock.wall.seconds += 40'000;
  pay(limiter, clock, 1'000'000'000);
  CHECK(clock.passed <= 66s);
}

TEST_CASE("who is stopped while he waits goes on at once, and what went by is owed") {
  RateLimiter limiter(system_clock());
  limiter.set_plan(always(1000));
  std::stop_source stop;
  std::atomic<bool> done = false;
  std::jthread payer([&] {
    limiter.pay(1'000'000, stop.get_token());  // a quarter of an hour
    done = true;
  });
  REQUIRE(testing::eventually([&] { return limiter.is_holding(); }));
  CHECK_FALSE(done);
  stop.request_stop();
  payer.join();
  CHECK(done);
  CHECK_FALSE(limiter.is_holding());
  CHECK(limiter.step(1).wait > 10s);
  // After a stop nothing waits any more.
  limiter.pay(1'000'000, stop.get_token());
}

TEST_CASE("a plan that is changed is noticed by those who wait") {
  RateLimiter limiter(system_clock());
  limiter.set_plan(always(1000));
  std::vector<std::jthread> payers;
  for (int i = 0; i < 4; ++i) payers.emplace_back([&] { limiter.pay(50'000'000, {}); });
  REQUIRE(testing::eventually([&] { return limiter.is_holding(); }));
  limiter.set_plan({});
  payers.clear();
  CHECK_FALSE(limiter.is_holding());
  CHECK_FALSE(limiter.rate().has_value());
}

TEST_CASE("who needs little is not kept by who needs much") {
  RateLimiter limiter(system_clock());
  limiter.set_plan(always(100'000));
  std::stop_source stop;
  std::jthread hungry([&] { limiter.pay(1'000'000'000, stop.get_token()); });
  REQUIRE(testing::eventually([&] { return limiter.is_holding(); }));
  std::stop_source unused;
  limiter.pay(1000, unused.get_token());  // returns, or the test hangs for hours
  CHECK(limiter.is_holding());
  stop.request_stop();
}

TEST_CASE("what is owed by others is waited for") {
  FakeClock clock;
  RateLimiter limiter(clock);
  limiter.set_plan(always(1000));
  limiter.owe(60'250);
  pay(limiter, clock, 1);
  CHECK(clock.passed >= 60s);
  CHECK(clock.passed < 61s);
}

TEST_CASE("a thread knows what stops it, within the scope that says so") {
  CHECK_FALSE(StopScope::current().stop_possible());
  std::stop_source outer;
  std::stop_source inner;
  {
    const StopScope scope(outer.get_token());
    CHECK(StopScope::current() == outer.get_token());
    {
      const StopScope nested(inner.get_token());
      CHECK(StopScope::current() == inner.get_token());
    }
    CHECK(StopScope::current() == outer.get_token());
    std::jthread([] { CHECK_FALSE(StopScope::current().stop_possible()); });
  }
  CHECK_FALSE(StopScope::current().stop_possible());
}
