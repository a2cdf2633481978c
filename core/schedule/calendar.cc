#include "schedule/calendar.h"

#include <algorithm>

namespace garner::schedule {

namespace {

constexpr int kMinute = 60'000'000;  // microseconds
constexpr std::int64_t kHour = 60LL * kMinute;

// The least value at or above `from`, which may be above what the component has.
std::optional<int> next_value(const Values& values, int from) {
  if (values.empty()) return from;
  std::optional<int> best;
  for (const ValueRange& range : values) {
    int value = range.start;
    if (value < from) {
      if (range.step <= 0) continue;
      value += (from - value + range.step - 1) / range.step * range.step;
      if (range.stop >= 0 && value > range.stop) continue;
    }
    if (!best || value < *best) best = value;
  }
  return best;
}

bool holds(const Values& values, int value) { return next_value(values, value) == value; }

int days_of(int year, int month) {
  const date::year_month_day_last last(date::year(year),
                                       date::month_day_last(date::month(static_cast<unsigned>(month))));
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

date::year_month_day make_day(int year, int month, int day) {
  return {date::year(year), date::month(static_cast<unsigned>(month)), date::day(static_cast<unsigned>(day))};
}

}  // namespace

bool Calendar::matches_day(date::year_month_day day) const {
  const date::weekday weekday{date::local_days(day)};
  const int number = static_cast<int>(static_cast<unsigned>(day.day()));
  const int counted =
      from_end ? days_of(static_cast<int>(day.year()), static_cast<int>(static_cast<unsigned>(day.month()))) -
                     number + 1
               : number;
  const bool by_day = holds(days, counted);
  const bool by_weekday = weekdays.none() || weekdays.test(weekday.iso_encoding() - 1);
  return day_or_weekday ? by_day || by_weekday : by_day && by_weekday;
}

std::optional<int> Calendar::next_day(int year, int month, int from) const {
  const int last = days_of(year, month);
  for (int day = from; day <= last; ++day) {
    if (matches_day(make_day(year, month, day))) return day;
  }
  return std::nullopt;
}

std::optional<Duration> Calendar::next_time(Duration from) const {
  int hour = static_cast<int>(from.count() / kHour);
  int minute = static_cast<int>(from.count() % kHour / kMinute);
  int micro = static_cast<int>(from.count() % kMinute);
  for (;;) {
    const std::optional<int> next_hour = next_value(hours, hour);
    if (!next_hour || *next_hour > 23) return std::nullopt;
    if (*next_hour != hour) minute = micro = 0;
    hour = *next_hour;
    const std::optional<int> next_minute = next_value(minutes, minute);
    if (!next_minute || *next_minute > 59) {
      ++hour;
      minute = micro = 0;
      continue;
    }
    if (*next_minute != minute) micro = 0;
    minute = *next_minute;
    const std::optional<int> next_micro = next_value(microseconds, micro);
    if (!next_micro || *next_micro >= kMinute) {
      ++minute;
      micro = 0;
      continue;
    }
    return Duration(hour * kHour + std::int64_t{minute} * kMinute + *next_micro);
  }
}

std::optional<LocalTime> Calendar::next_local(LocalTime from) const {
  const auto first_day = date::floor<date::days>(from);
  const date::year_month_day begin{first_day};
  int year = static_cast<int>(begin.year());
  int month = static_cast<int>(static_cast<unsigned>(begin.month()));
  int day = static_cast<int>(static_cast<unsigned>(begin.day()));
  Duration time = from - first_day;
  if (year < kFirstYear) {
    year = kFirstYear;
    month = day = 1;
    time = Duration(0);
  }
  while (year <= kLastYear) {
    const std::optional<int> next_year = next_value(years, year);
    if (!next_year || *next_year > kLastYear) return std::nullopt;
    if (*next_year != year) {
      year = *next_year;
      month = day = 1;
      time = Duration(0);
    }
    const std::optional<int> next_month = next_value(months, month);
    if (!next_month || *next_month > 12) {
      ++year;
      month = day = 1;
      time = Duration(0);
      continue;
    }
    if (*next_month != month) {
      month = *next_month;
      day = 1;
      time = Duration(0);
    }
    const std::optional<int> found_day = next_day(year, month, day);
    if (!found_day) {
      ++month;
      day = 1;
      time = Duration(0);
      continue;
    }
    if (*found_day != day) {
      day = *found_day;
      time = Duration(0);
    }
    const std::optional<Duration> found_time = next_time(time);
    if (!found_time) {
      ++day;
      time = Duration(0);
      continue;
    }
    return LocalTime(date::local_days(make_day(year, month, day))) + *found_time;
  }
  return std::nullopt;
}

std::optional<Instant> Calendar::next(Instant after, const Zone& zone) const {
  LocalTime from = zone.first_local_from(after + Duration(1));
  for (;;) {
    const std::optional<LocalTime> found = next_local(from);
    if (!found) return std::nullopt;
    const date::local_info info = zone.info(*found);
    if (info.result == date::local_info::nonexistent) {
      // On with the first time that clocks show again.
      from = LocalTime(info.second.begin.time_since_epoch() + info.second.offset);
      continue;
    }
    const Instant time(found->time_since_epoch() - info.first.offset);
    if (time > after) return time;
    from = *found + Duration(1);
  }
}

}  // namespace garner::schedule
