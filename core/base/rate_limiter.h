// Holds back whoever pays for bytes, so that no more go by than a plan allows. Several threads, of several
// runs, share one: they take turns piece by piece, so that somebody who needs little is not kept by somebody
// who needs much.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>

#include "base/clock.h"
#include "base/token_bucket.h"

namespace garner {

// What holds at one moment.
struct RateNow {
  std::optional<std::uint64_t> bytes_per_second;  // nothing: no limit
  std::optional<TimePoint> until;                 // by the wall clock; nothing: as far as can be seen
};

// Any thread. The clock outlives it.
class RateLimiter {
 public:
  // Asked again at `until`, and each minute in any case, for clocks are set.
  using Plan = std::function<RateNow(TimePoint now)>;

  explicit RateLimiter(const Clock& clock) : clock_(clock) {}

  // Without a plan there is no limit. Those who wait notice at once.
  void set_plan(Plan plan);
  // The limit that holds now.
  std::optional<std::uint64_t> rate();
  // Whether somebody waits at this moment.
  bool is_holding() const;

  // Returns when the bytes may go by. After `stop` it waits no longer: what is still to be written so that a
  // run ends well goes by at once, and is owed by those who come later.
  void pay(std::uint64_t bytes, const std::stop_token& stop);
  // They go by at once, and others make up for it.
  void owe(std::uint64_t bytes);

  // One step of pay(): takes one piece of `bytes`, or nothing, and then says how long to wait before it is
  // asked again.
  struct Step {
    std::uint64_t taken = 0;
    std::chrono::nanoseconds wait{0};
  };
  Step step(std::uint64_t bytes);

 private:
  struct Turn;

  // With mutex_ held.
  Step step_locked(std::uint64_t bytes);
  void look_at_plan(std::chrono::steady_clock::time_point now);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Plan plan_;
  TokenBucket bucket_;
  std::chrono::steady_clock::time_point valid_until_{};  // when the plan is asked again
  std::uint64_t changes_ = 0;                            // of the plan, and of whose turn it is
  std::uint64_t next_turn_ = 0;
  std::set<std::uint64_t> turns_;  // of those who pay; the least is next
  unsigned holding_ = 0;
};

}  // namespace garner
