// How fast something may go, by the time of day: "2M" always, "08:00..18:00=500K" in a window, "none" without
// a limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schedule/window.h"

namespace garner::schedule {

struct RateRule {
  std::optional<Window> window;                   // nothing: whenever no window is open
  std::optional<std::uint64_t> bytes_per_second;  // nothing: no limit
};

// "RATE" or "WINDOW=RATE", a window as parse_window() takes it. RATE is an amount of bytes as
// parse_byte_count() takes it, with or without "/s" behind it, or "none" or "0". Error(kInvalidInput) for
// text that is something else, and for a rate outside of TokenBucket's bounds.
RateRule parse_rate_rule(std::string_view text);

// Of several rules: while windows are open the lowest of their rates holds, else that of the rule without
// one. A value; any thread.
class RatePlan {
 public:
  // Error(kInvalidInput) as parse_rate_rule(), and for two rules without a window.
  RatePlan(const std::vector<std::string>& rules, const Zone& zone);

  struct Current {
    std::optional<std::uint64_t> bytes_per_second;  // nothing: no limit
    std::optional<Instant> until;  // when another rule may hold; nothing where all hold for ever
  };
  Current at(Instant time) const;
  bool empty() const { return !always_ && windows_.empty(); }

 private:
  struct Windowed {
    Windows window;
    std::optional<std::uint64_t> bytes_per_second;
  };
  std::optional<std::uint64_t> always_;
  std::vector<Windowed> windows_;
};

}  // namespace garner::schedule
