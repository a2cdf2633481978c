// Times as a person types them: in a selector, and after --since and --until.
//
// clang-format off
//   2026-11-22, 2026-11        a day; a month
//   today, yesterday, monday   a day: of a weekday the last one that has begun; mon will do
//   DAY 18:30                  a minute of it, a second with 18:30:05; T may stand behind a date instead of blanks
//   18:30                      a minute of today
//   2026-11-22T18:30:05.25Z    ISO 8601: fractions of a second; Z, +01:00 or +0100 behind a date or its time
//   now
//   2 weeks ago, 1y 6 months ago, an hour ago
//                              from now: years, months, weeks and days by the calendar (the last day of a month
//                              that is shorter), hours, minutes and seconds as such. No m: it would be months as
//                              in --keep-within, and taken for minutes.
// clang-format on
//
// Letters of either case. Without an offset clocks are those of who types. Where clocks are put forward, a
// time that none shows is the moment at which that happens; of a time that comes twice the first begins, and
// the second ends, what is meant. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace garner::snapshot {

// Of who types a time.
struct TimeOrigin {
  TimePoint now;
  std::string zone = {};  // "Europe/Berlin"; empty: the system's
};

// All of the month, day, minute or second that a time names, by nanoseconds and with both ends; of a fraction
// all that begins with its digits. What is counted from now is one moment.
struct TimeSpan {
  TimePoint first;
  TimePoint last;
  bool operator==(const TimeSpan&) const = default;
};

// What to write, for messages.
inline constexpr const char* kTimeForms =
    "write 2026-11-22, 2026-11-22T18:30 (with Z or +01:00 behind it where it is of another zone), 18:30, "
    "today, \"yesterday 18:30\", monday or \"2 weeks ago\"";

// Nothing unless all of `text` is a time. Error(kInvalidInput) for a zone that the system does not know,
// where it takes one.
std::optional<TimeSpan> parse_time(std::string_view text, const TimeOrigin& origin);

// Error(kInvalidInput) with kTimeForms for what is none.
TimeSpan read_time(std::string_view text, const TimeOrigin& origin);

}  // namespace garner::snapshot
