// Durations, spans of the calendar, amounts of bytes, and names of time zones.
#include "base/byte_count.h"
#include "fuzz/fuzz.h"
#include "maintenance/retention.h"
#include "schedule/schedule.h"

namespace garner::fuzz {

void try_span(std::string_view text) {
  constexpr TimePoint kNow{1'800'000'000, 0};
  maintenance::RetentionPolicy policy;
  if (!accepts([&] { policy.within = maintenance::parse_span(text); }) || policy.within.empty()) return;
  require(maintenance::parse_span(maintenance::to_text(policy.within)) == policy.within,
          "a span is read as it is written");
  const maintenance::RetentionItem newest{.group = "set", .time = kNow};
  require(maintenance::apply_retention({newest}, policy, kNow, "Europe/Berlin").at(0).keep(),
          "the newest snapshot is within any span");
}

}  // namespace garner::fuzz

void garner::fuzz::try_one(ByteView bytes) {
  if (bytes.size() > 512) return;
  const std::string_view text = as_text(bytes);
  accepts([&] { require(schedule::parse_duration(text).count() >= 0, "no duration is negative"); });
  if (const auto amount = parse_byte_count(text)) {
    require(parse_byte_count(exact_byte_count(*amount)) == amount, "an amount is read as it is written");
  }
  try_span(text);
  const bool exists = schedule::Zone::exists(text);
  require(accepts([&] { schedule::Zone::named(text); }) == exists,
          "a zone that exists can be used, and no other");
  require(!exists || (text.find("..") == std::string_view::npos && !text.starts_with('/')),
          "no name leads out of the system's zones");
}
