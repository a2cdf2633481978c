#include "base/token_bucket.h"

#include <algorithm>
#include <limits>

namespace garner {

namespace {

constexpr std::uint64_t kBillion = 1'000'000'000;
constexpr std::uint64_t kMostPiece = 1u << 20;
// Owed bytes are counted up to here: a day at the highest rate.
constexpr std::int64_t kMostOwed = std::int64_t{1} << 49;
constexpr std::uint64_t kLongestWait = 3600;  // seconds

}  // namespace

std::int64_t TokenBucket::capacity() const { return static_cast<std::int64_t>(*rate_ / 4); }

std::uint64_t TokenBucket::piece() const {
  return rate_ ? std::clamp<std::uint64_t>(*rate_ / 8, 1, kMostPiece) : kMostPiece;
}

void TokenBucket::set_rate(std::optional<std::uint64_t> rate, Time now) {
  fill(now);
  const bool begins = rate && !rate_;
  rate_ = rate;
  if (!rate_) {
    balance_ = 0;
    billionths_ = 0;
  } else if (begins || balance_ > capacity()) {
    balance_ = capacity();
    billionths_ = 0;
  }
}

void TokenBucket::fill(Time now) {
  if (now <= filled_) return;
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - filled_);
  filled_ = now;
  if (!rate_) return;
  const std::uint64_t nanoseconds = static_cast<std::uint64_t>(passed.count());
  const std::uint64_t seconds = nanoseconds / kBillion;
  const std::uint64_t missing = static_cast<std::uint64_t>(capacity() - balance_);
  if (seconds > missing / *rate_) {
    balance_ = capacity();
    billionths_ = 0;
    return;
  }
  // A rate has at most 32 bits and a second's nanoseconds 30: their product fits.
  const std::uint64_t rest = nanoseconds % kBillion * *rate_ + billionths_;
  balance_ += static_cast<std::int64_t>(seconds * *rate_ + rest / kBillion);
  billionths_ = rest % kBillion;
  if (balance_ >= capacity()) {
    balance_ = capacity();
    billionths_ = 0;
  }
}

std::chrono::nanoseconds TokenBucket::take(std::uint64_t bytes, Time now) {
  fill(now);
  if (!rate_) return std::chrono::nanoseconds(0);
  if (balance_ > 0) {
    take_owing(bytes, now);
    return std::chrono::nanoseconds(0);
  }
  const std::uint64_t missing = static_cast<std::uint64_t>(1 - balance_);
  if (missing / *rate_ >= kLongestWait) return std::chrono::seconds(kLongestWait);
  const std::uint64_t whole = missing / *rate_ * kBillion;
  // Rounded up, so that whoever wakes up then finds the byte.
  const std::uint64_t part = (missing % *rate_ * kBillion + *rate_ - 1) / *rate_;
  return std::chrono::nanoseconds(whole + part);
}

void TokenBucket::take_owing(std::uint64_t bytes, Time now) {
  fill(now);
  if (!rate_) return;
  const auto amount = static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, kMostOwed));
  balance_ = std::max(balance_ - amount, -kMostOwed);
}

}  // namespace garner
