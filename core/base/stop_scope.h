// What ends a long wait on this thread. Work that can be stopped says so where its threads begin; code far
// below that has to wait for long, a rate limit above all, asks here instead of being given a token through
// every call between.
#pragma once

#include <chrono>
#include <stop_token>

namespace garner {

// What is under way with a server when its thread is to stop may go on for so long.
inline constexpr std::chrono::seconds kStopGrace{3};

// Holds for its thread until it is destroyed; then what held before does again. A thread that is begun knows
// nothing of its parent's: whoever begins one passes StopScope::current() on.
class StopScope {
 public:
  explicit StopScope(std::stop_token stop);
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
  ~StopScope();

  // One that never stops where no scope is open.
  static std::stop_token current();

 private:
  std::stop_token before_;
};

}  // namespace garner
