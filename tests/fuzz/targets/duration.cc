// Durations, amounts of bytes, and names of time zones.
#include "base/byte_count.h"
#include "fuzz/fuzz.h"
#include "schedule/schedule.h"

void garner::fuzz::try_one(ByteView bytes) {
  if (bytes.size() > 512) return;
  const std::string_view text = as_text(bytes);
  accepts([&] { require(schedule::parse_duration(text).count() >= 0, "no duration is negative"); });
  if (const auto amount = parse_byte_count(text)) {
    require(parse_byte_count(exact_byte_count(*amount)) == amount, "an amount is read as it is written");
  }
  const bool exists = schedule::Zone::exists(text);
  require(accepts([&] { schedule::Zone::named(text); }) == exists,
          "a zone that exists can be used, and no other");
  require(!exists || (text.find("..") == std::string_view::npos && !text.starts_with('/')),
          "no name leads out of the system's zones");
}
