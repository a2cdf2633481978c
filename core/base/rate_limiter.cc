#include "base/rate_limiter.h"

#include <algorithm>
#include <utility>

namespace garner {

namespace {

constexpr std::chrono::minutes kLookAgain{1};

}  // namespace

void RateLimiter::set_plan(Plan plan) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
  valid_until_ = {};
  ++changes_;
  changed_.notify_all();
}

std::optional<std::uint64_t> RateLimiter::rate() {
  const std::lock_guard lock(mutex_);
  look_at_plan(clock_.steady());
  return bucket_.rate();
}

bool RateLimiter::is_holding() const {
  const std::lock_guard lock(mutex_);
  return holding_ > 0;
}

void RateLimiter::look_at_plan(std::chrono::steady_clock::time_point now) {
  if (now < valid_until_) return;
  const TimePoint wall = clock_.now();
  const RateNow current = plan_ ? plan_(wall) : RateNow{};
  // A rate that ended while nobody paid ended when it did, not when somebody comes.
  const auto since = valid_until_ == std::chrono::steady_clock::time_point{} ? now : valid_until_;
  if (current.bytes_per_second != bucket_.rate()) bucket_.set_rate(current.bytes_per_second, since);
  valid_until_ = now + kLookAgain;
  if (!current.until) return;
  // Seconds first: the difference to a time that is far off does not fit nanoseconds.
  const std::int64_t seconds = current.until->seconds - wall.seconds;
  if (seconds > std::chrono::seconds(kLookAgain).count()) return;
  const std::chrono::nanoseconds left = std::chrono::seconds(seconds) +
                                        std::chrono::nanoseconds(current.until->nanos) -
                                        std::chrono::nanoseconds(wall.nanos);
  valid_until_ = std::min(valid_until_, now + std::max(left, std::chrono::nanoseconds(1)));
}

RateLimiter::Step RateLimiter::step_locked(std::uint64_t bytes) {
  const auto now = clock_.steady();
  look_at_plan(now);
  if (!bucket_.rate()) return {bytes, std::chrono::nanoseconds(0)};
  const std::uint64_t piece = std::min(bytes, bucket_.piece());
  const std::chrono::nanoseconds wait = bucket_.take(piece, now);
  if (wait == std::chrono::nanoseconds(0)) return {piece, wait};
  return {0, std::min<std::chrono::nanoseconds>(wait, valid_until_ - now)};
}

RateLimiter::Step RateLimiter::step(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  return step_locked(bytes);
}

void RateLimiter::owe(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  look_at_plan(now);
  bucket_.take_owing(bytes, now);
}

// A thread's place among those who pay. Made, moved on and given up with mutex_ held.
struct RateLimiter::Turn {
  explicit Turn(RateLimiter& limiter) : of(limiter), number(of.next_turn_++) { of.turns_.insert(number); }
  Turn(const Turn&) = delete;
  ~Turn() { end(); }

  bool has_come() const { return *of.turns_.begin() == number; }
  void go_last() {
    end();
    number = of.next_turn_++;
    of.turns_.insert(number);
  }

 private:
  void end() {
    of.turns_.erase(number);
    ++of.changes_;
    of.changed_.notify_all();
  }

  RateLimiter& of;
  std::uint64_t number;
};

void RateLimiter::pay(std::uint64_t bytes, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  Turn turn(*this);
  while (bytes > 0) {
    if (stop.stop_requested()) {
      bucket_.take_owing(bytes, clock_.steady());
      return;
    }
    std::chrono::nanoseconds wait = kLookAgain;
    if (turn.has_come()) {
      const Step step = step_locked(bytes);
      bytes -= step.taken;
      if (step.taken > 0) {
        turn.go_last();
        continue;
      }
      wait = step.wait;
    }
    ++holding_;
    changed_.wait_for(lock, stop, wait, [&, seen = changes_] { return changes_ != seen; });
    --holding_;
  }
}

}  // namespace garner
