// What fields of an HTTP answer's header say (RFC 9110). Servers write them, so nothing of them is believed
// before it was looked at. Pure functions; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace garner::destination {

// "bytes FIRST-LAST/WHOLE": the bytes of the part, counted from 0, and how many there are in all.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // not below `first`, and below `whole`
  std::uint64_t whole = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// What Retry-After says, seconds or a date; nothing where it says neither. Never negative.
std::optional<std::chrono::seconds> retry_after(const std::string& text, TimePoint now);

}  // namespace garner::destination
