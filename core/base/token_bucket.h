// How many bytes may go by at a rate: a bucket that fills with the time, from which bytes are taken. A value
// without clocks and threads; RateLimiter puts it to use.
//
// Bytes are taken as long as the bucket is not empty, and the last piece may take more than there is: what is
// owed is paid by those who come later. So over any time no more goes by than the rate allows, and what the
// bucket holds, and one piece. Fractions of a byte are kept: nothing is lost however often it is asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace garner {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What lies outside is no limit that makes sense, or does not fit the numbers here. Bytes a second.
  static constexpr std::uint64_t kLeastRate = 1000;
  static constexpr std::uint64_t kMostRate = std::uint64_t{4} << 30;

  // From `now` on this rate, kLeastRate to kMostRate; nothing: no limit, and nothing is owed any more. A
  // limit that begins begins with a full bucket.
  void set_rate(std::optional<std::uint64_t> rate, Time now);
  std::optional<std::uint64_t> rate() const { return rate_; }

  // Takes `bytes` and returns zero, or takes nothing and returns how long it will be until some may be taken.
  std::chrono::nanoseconds take(std::uint64_t bytes, Time now);
  // Takes them, whatever is there.
  void take_owing(std::uint64_t bytes, Time now);

  // How much is best taken at a time: an eighth of a second's, at most 1 MiB.
  std::uint64_t piece() const;

 private:
  std::int64_t capacity() const;
  void fill(Time now);

  std::optional<std::uint64_t> rate_;
  std::int64_t balance_ = 0;      // bytes; below zero: owed
  std::uint64_t billionths_ = 0;  // of a byte, on top
  Time filled_{};
};

}  // namespace garner
