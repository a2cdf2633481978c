// Both clocks as a test sets them.
#pragma once

#include <chrono>

#include "base/clock.h"

namespace garner::testing {

class SetClock final : public Clock {
 public:
  TimePoint now() const override { return {1'800'000'000 + wall.count(), 0}; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::hours(1000) + passed);
  }
  void pass(std::chrono::seconds time) {
    wall += time;
    passed += time;
  }
  std::chrono::seconds wall{0};
  std::chrono::seconds passed{0};
};

}  // namespace garner::testing
