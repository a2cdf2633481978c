#include "schedule/window.h"

#include <algorithm>

#include "schedule/calendar.h"

namespace garner::schedule {

namespace {

constexpr std::chrono::minutes kWholeDay{24 * 60};
constexpr int kMostChained = 15;

// "22:00"; 24:00 is the day's end.
std::chrono::minutes take_clock(TextCursor& cursor) {
  const std::size_t begin = cursor.position();
  const int hour = cursor.take_number("a time like 22:00");
  if (hour > 24) cursor.fail_at(begin, "an hour from 0 to 24 is expected");
  if (!cursor.take(":")) cursor.fail("':' and minutes are expected");
  const std::size_t at = cursor.position();
  const int minute = cursor.take_number("minutes from 0 to 59");
  if (minute > 59 || (hour == 24 && minute > 0)) cursor.fail_at(at, "minutes within the day are expected");
  return std::chrono::hours(hour) + std::chrono::minutes(minute);
}

// When clocks show it, or are put forward over it.
Instant instant_of(LocalTime time, const Zone& zone) {
  const date::local_info info = zone.info(time);
  if (info.result == date::local_info::nonexistent) return info.second.begin;
  return Instant(time.time_since_epoch() - info.first.offset);
}

}  // namespace

Window parse_window(std::string_view text) {
  TextCursor cursor(text, 0, text.size());
  cursor.skip_blanks();
  Window window;
  if (!cursor.is_digit()) window.weekdays = take_weekdays(cursor);
  const std::size_t begin = cursor.position();
  window.from = take_clock(cursor);
  if (window.from >= kWholeDay) cursor.fail_at(begin, "a window begins before 24:00");
  cursor.skip_blanks();
  if (!cursor.take("..") && !cursor.take("-")) cursor.fail("'-' and the window's end are expected");
  cursor.skip_blanks();
  const std::size_t at = cursor.position();
  window.to = take_clock(cursor);
  cursor.skip_blanks();
  if (!cursor.at_end()) cursor.fail("the end is expected");
  if (window.to == window.from) cursor.fail_at(at, "a window's end differs from its beginning");
  if (window.to < window.from) window.to += kWholeDay;
  return window;
}

template <typename Each>
void Windows::for_each(date::local_days first, date::local_days last, const Each& each) const {
  for (date::local_days day = first; day <= last; day += date::days(1)) {
    for (const Window& window : windows_) {
      if (window.weekdays.any() && !window.weekdays.test(date::weekday(day).iso_encoding() - 1)) continue;
      const Instant from = instant_of(LocalTime(day) + window.from, zone_);
      const Instant to = instant_of(LocalTime(day) + window.to, zone_);
      if (from < to) each(from, to);
    }
  }
}

std::optional<Instant> Windows::end_of(Instant time) const {
  const auto today = date::floor<date::days>(zone_.local(time));
  std::optional<Instant> end;
  for_each(today - date::days(1), today + date::days(1), [&](Instant from, Instant to) {
    if (from <= time && time < to) end = std::max(end.value_or(to), to);
  });
  return end;
}

Instant Windows::next_open(Instant time) const {
  if (is_open(time)) return time;
  const auto today = date::floor<date::days>(zone_.local(time));
  std::optional<Instant> next;
  // Every window begins once a week, unless clocks leave it out: then in the week after.
  for_each(today - date::days(1), today + date::days(15), [&](Instant from, Instant) {
    if (from > time) next = std::min(next.value_or(from), from);
  });
  return next.value_or(time + std::chrono::hours(24));
}

std::optional<Instant> Windows::next_close(Instant time) const {
  std::optional<Instant> end = empty() ? std::nullopt : end_of(time);
  for (int chained = 0; end.has_value() && chained < kMostChained; ++chained) {
    const std::optional<Instant> further = end_of(*end);
    if (!further) return end;
    end = further;
  }
  return std::nullopt;
}

}  // namespace garner::schedule
