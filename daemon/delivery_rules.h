// When a message is sent, and when it is not tried any more. Values and pure functions: the notifier keeps
// them under its lock.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "catalog/delivery_table.h"

namespace garner::daemon {

// How many messages a notification may be sent: five at once, then one a minute. What comes faster is
// gathered into one.
class MessageRate {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr unsigned kBurst = 5;
  static constexpr std::chrono::seconds kInterval{60};

  // Messages that may be sent now.
  unsigned available(Time now) {
    if (sent_ == 0) return kBurst;
    const auto given_back = static_cast<unsigned>(std::min<std::int64_t>(sent_, (now - since_) / kInterval));
    since_ += given_back * kInterval;
    sent_ -= given_back;
    return kBurst - sent_;
  }
  // When there is one again, if there is none now.
  Time next() const { return since_ + kInterval; }
  void take(Time now) {
    if (sent_++ == 0) since_ = now;
  }

 private:
  unsigned sent_ = 0;
  Time since_{};  // from here the next one is given back
};

// After so many failed attempts in a row: 5 s, 10 s, … up to an hour.
inline std::chrono::seconds pause_after(std::uint32_t attempts) {
  constexpr std::chrono::seconds kFirst{5};
  constexpr std::chrono::seconds kLongest{3600};
  if (attempts == 0) return std::chrono::seconds(0);
  if (attempts > 10) return kLongest;
  return std::min(kFirst * (1 << (attempts - 1)), kLongest);
}

// After a failed attempt, the `attempts`th of what waits, whose oldest event is that old: about half a day of
// trying, or a day's age; after three attempts in any case, for the machine may have slept.
inline bool is_given_up(std::uint32_t attempts, std::chrono::seconds age) {
  return attempts >= 20 || (attempts >= 3 && age > std::chrono::hours(24));
}

}  // namespace garner::daemon
