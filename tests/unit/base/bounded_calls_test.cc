#include "base/bounded_calls.h"

#include <barrier>
#include <catch2/catch.hpp>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/eventually.h"

using namespace garner;
using Outcome = BoundedCalls::Outcome;

TEST_CASE("a call may take longer than the limit while it is said that it may") {
  BoundedCalls calls(std::chrono::milliseconds(50));
  const auto latch = std::make_shared<std::latch>(1);
  int asked = 0;
  const auto thrice = [&](bool) {
    if (++asked == 3) latch->count_down();
    return true;
  };
  CHECK(calls.run(
            "/mnt/a", [latch] { latch->wait(); }, thrice) == Outcome::kDone);
  CHECK(asked >= 3);
  CHECK(calls.left_behind() == 0);
}

TEST_CASE("a call that may not go on is left behind, and hangs at once") {
  BoundedCalls calls(std::chrono::milliseconds(50));
  const auto latch = std::make_shared<std::latch>(1);
  int asked = 0;
  const auto once = [&](bool) { return ++asked == 1; };
  CHECK(calls.run(
            "/mnt/a", [latch] { latch->wait(); }, once) == Outcome::kLate);
  CHECK(asked == 2);
  CHECK(calls.run("/mnt/a", [] {}) == Outcome::kHangs);
  latch->count_down();
  CHECK(garner::testing::eventually([&] { return calls.left_behind() == 0; }));
  CHECK(calls.run("/mnt/a", [] {}) == Outcome::kDone);
}

TEST_CASE("whoever waits for a call is told whether it gets on") {
  BoundedCalls calls(std::chrono::milliseconds(50));
  // What got on before is not told of the next call, which the same thread makes.
  CHECK(calls.run("/mnt/a", [] { BoundedCalls::get_on(); }) == Outcome::kDone);
  BoundedCalls::get_on();
  const auto step = std::make_shared<std::barrier<>>(2);
  const auto work = [step] {
    step->arrive_and_wait();
    BoundedCalls::get_on();
    step->arrive_and_wait();
    step->arrive_and_wait();
  };
  std::vector<bool> told;
  const auto listen = [&](bool has_got_on) {
    told.push_back(has_got_on);
    if (told.size() <= 2) step->arrive_and_wait();
    if (told.size() == 1) step->arrive_and_wait();
    return true;
  };
  CHECK(calls.run("/mnt/a", work, listen) == Outcome::kDone);
  REQUIRE(told.size() >= 2);
  CHECK_FALSE(told[0]);
  CHECK(told[1]);
}

TEST_CASE("what a bounded call returns or throws is had by whoever waited for it") {
  using Answer = CallAnswer<std::unique_ptr<int>>;
  BoundedCalls calls;
  const auto good = std::make_shared<Answer>();
  // Nobody can copy what it owns.
  auto work = [number = std::make_unique<int>(7)]() mutable { return std::move(number); };
  REQUIRE(calls.run("/mnt/a", Answer::call(good, std::move(work))) == Outcome::kDone);
  CHECK(*good->take() == 7);
  const auto bad = std::make_shared<Answer>();
  const auto fails = []() -> std::unique_ptr<int> { throw std::runtime_error("no number"); };
  REQUIRE(calls.run("/mnt/a", Answer::call(bad, fails)) == Outcome::kDone);
  CHECK_THROWS_WITH(bad->take(), "no number");
}
