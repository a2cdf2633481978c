// Times that a calendar gives: the matcher behind calendar expressions and cron lines, and its parsers.
//
// Where daylight saving changes the clocks: a local time that is skipped does not come on that day, and one
// that is repeated comes once, at its first instant. This is what systemd makes of OnCalendar=, except that
// systemd, asked from within a repeated hour, gives times in that hour again.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "schedule/text_cursor.h"
#include "schedule/zone.h"

namespace garner::schedule {

inline constexpr int kFirstYear = 1970;
inline constexpr int kLastYear = 2199;

// Some of a component's values: `start`, then every `step` up to `stop`; only `start` when `step` is 0.
struct ValueRange {
  int start = 0;
  int stop = -1;  // inclusive; -1: none
  int step = 0;
};

// All values that the ranges hold; empty means every value.
using Values = std::vector<ValueRange>;

// A value; any thread.
struct Calendar {
  Values years;   // kFirstYear to kLastYear
  Values months;  // 1 to 12
  Values days;    // 1 to 31; with `from_end` 1 is a month's last day
  bool from_end = false;
  std::bitset<7> weekdays;      // Monday is 0; none set means all
  bool day_or_weekday = false;  // cron: one of both is enough
  Values hours;
  Values minutes;
  Values microseconds;  // of a minute: 0 to 59,999,999

  // The least local time at or after `from` that matches, whether clocks show it or not.
  std::optional<LocalTime> next_local(LocalTime from) const;
  // The first time after `after`.
  std::optional<Instant> next(Instant after, const Zone& zone) const;

 private:
  bool matches_day(date::year_month_day day) const;
  std::optional<int> next_day(int year, int month, int from) const;
  std::optional<Duration> next_time(Duration from) const;
};

// What the cursor holds is a calendar expression without its zone, in full or a word ("daily"), as
// systemd.time(7) describes it. Error(kInvalidInput) with the position.
Calendar parse_calendar(TextCursor& cursor);
// "Mon,Wed..Fri" and the blanks behind it. Error(kInvalidInput) where no weekday stands.
std::bitset<7> take_weekdays(TextCursor& cursor);
// Five fields as crontab(5) describes them, or "@daily" and so on (not @reboot).
Calendar parse_cron(TextCursor& cursor);

}  // namespace garner::schedule
