// Points in time as a person types them in a selector.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace garner::snapshot {

// Length of the longest time that `text` begins with, 0 for none: 2026-11-22, followed by T or a space and
// 18:30 or 18:30:05, each followed by Z or not. Only the form counts, not whether there is such a day.
std::size_t time_prefix(std::string_view text);

// The last nanosecond of the day, minute or second that `text` names, in UTC with Z and in local time
// without; so what happened in that day, minute or second happened at or before it. Empty unless all of
// `text` is such a time.
std::optional<TimePoint> parse_time_text(std::string_view text);

// The first nanosecond of it.
std::optional<TimePoint> parse_time_begin(std::string_view text);

}  // namespace garner::snapshot
