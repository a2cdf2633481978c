// How fast something may go, by the time of day.
#include "fuzz/fuzz.h"
#include "schedule/rate_plan.h"

void garner::fuzz::try_one(ByteView bytes) {
  if (bytes.size() > 512) return;
  const schedule::Instant now = schedule::to_instant({1'790'000'000, 0});
  accepts([&] {
    const schedule::RateRule rule = schedule::parse_rate_rule(as_text(bytes));
    const schedule::RatePlan plan({std::string(as_text(bytes))}, schedule::Zone::utc());
    const auto current = plan.at(now);
    require(rule.window || current.bytes_per_second == rule.bytes_per_second,
            "a rule without a window holds");
    require(!current.until || *current.until > now, "what holds, holds for a while");
  });
}
