// Calendar expressions: [WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE[:SECOND]], or a word.
#include <algorithm>
#include <array>
#include <string>

#include "schedule/calendar.h"

namespace garner::schedule {

namespace {

constexpr int kSecond = 1'000'000;  // microseconds
constexpr int kFractionDigits = 6;

// What one component of an expression may be.
struct Part {
  const char* expected;
  int least;
  int most;
};

constexpr Part kYearPart{"a year from 1970 to 2199", kFirstYear, kLastYear};
constexpr Part kMonthPart{"a month from 1 to 12", 1, 12};
constexpr Part kDayPart{"a day from 1 to 31", 1, 31};
constexpr Part kDayFromEndPart{"a day from 1 (the month's last) to 28", 1, 28};
constexpr Part kHourPart{"an hour from 0 to 23", 0, 23};
constexpr Part kMinutePart{"a minute from 0 to 59", 0, 59};
constexpr Part kSecondPart{"a second from 0 to 59.999999", 0, 60 * kSecond - 1};

struct Name {
  std::string_view text;
  unsigned day;
};

// The longer ones first.
constexpr std::array kWeekdays{Name{"monday", 0},    Name{"mon", 0}, Name{"tuesday", 1},  Name{"tue", 1},
                               Name{"wednesday", 2}, Name{"wed", 2}, Name{"thursday", 3}, Name{"thu", 3},
                               Name{"friday", 4},    Name{"fri", 4}, Name{"saturday", 5}, Name{"sat", 5},
                               Name{"sunday", 6},    Name{"sun", 6}};

Values only(int value) { return {{value, -1, 0}}; }

// Microseconds: "7", "7.25".
int take_seconds(TextCursor& cursor) {
  const std::size_t begin = cursor.position();
  const int whole = cursor.take_number(kSecondPart.expected);
  if (whole > 59) cursor.fail_at(begin, std::string(kSecondPart.expected) + " is expected");
  int value = whole * kSecond;
  if (cursor.peek() != '.' || cursor.peek(1) == '.') return value;
  cursor.skip();
  if (!cursor.is_digit()) cursor.fail("digits of a fraction are expected");
  int unit = kSecond;
  for (int digits = 0; cursor.is_digit(); ++digits, cursor.skip()) {
    unit /= 10;
    if (digits < kFractionDigits) value += (cursor.peek() - '0') * unit;
    if (digits == kFractionDigits && cursor.peek() >= '5') ++value;
  }
  return value;
}

int take_value(TextCursor& cursor, const Part& part, bool seconds) {
  const std::size_t begin = cursor.position();
  int value = seconds ? take_seconds(cursor) : cursor.take_number(part.expected);
  // Two digits of a year, as systemd reads them.
  if (part.most == kLastYear && value < 70) value += 2000;
  if (part.most == kLastYear && value < 100) value += 1900;
  if (value < part.least || value > part.most)
    cursor.fail_at(begin, std::string(part.expected) + " is expected");
  return value;
}

// A step is in the component's own unit, in seconds with a fraction for seconds.
int take_step(TextCursor& cursor, const Part& part, bool seconds) {
  const std::size_t begin = cursor.position();
  const int step = seconds ? take_seconds(cursor) : cursor.take_number("a step of at least 1");
  if (step == 0) cursor.fail_at(begin, "a step above 0 is expected");
  if (step > part.most - part.least) cursor.fail_at(begin, "the step is larger than what it steps through");
  return step;
}

ValueRange take_range(TextCursor& cursor, const Part& part, bool seconds, bool from_end) {
  const std::size_t begin = cursor.position();
  ValueRange range;
  range.start = take_value(cursor, part, seconds);
  if (cursor.take("..")) {
    range.stop = take_value(cursor, part, seconds);
    range.step = seconds ? kSecond : 1;
  }
  if (cursor.take("/")) range.step = take_step(cursor, part, seconds);
  if (range.stop >= 0) {
    if (range.start + range.step > range.stop)
      cursor.fail_at(begin, "the range must go upwards and hold at least two values");
  } else if (range.step > 0 && from_end) {
    // From the first such day on to the month's end: counted from there, downwards.
    if (range.start - range.step < part.least)
      cursor.fail_at(begin, "the step leads out of the month at once");
    range.stop = range.start;
    range.start -= (range.start - part.least) / range.step * range.step;
  } else if (range.step > 0 && range.start + range.step > part.most) {
    cursor.fail_at(begin, "the step leads beyond " + std::string(part.expected));
  }
  return range;
}

Values take_values(TextCursor& cursor, const Part& part, bool from_end = false) {
  const bool seconds = part.most == kSecondPart.most;
  if (cursor.peek() == '*') {
    cursor.skip();
    if (seconds) return {{0, -1, kSecond}};
    return {};
  }
  Values values;
  do {
    values.push_back(take_range(cursor, part, seconds, from_end));
  } while (cursor.take(","));
  return values;
}

std::optional<unsigned> take_weekday(TextCursor& cursor) {
  for (const Name& name : kWeekdays) {
    if (cursor.take(name.text)) return name.day;
  }
  return std::nullopt;
}

// Up to the next blank.
std::string_view word_at(const TextCursor& cursor, std::string& kept) {
  kept.clear();
  for (std::size_t i = 0; cursor.peek(i) != '\0' && cursor.peek(i) != ' '; ++i) kept += cursor.peek(i);
  return kept;
}

void expect(TextCursor& cursor, char separator) {
  if (cursor.peek() != separator) cursor.fail("'" + std::string(1, separator) + "' is expected");
  cursor.skip();
}

// '-' before a day, or '~' before one that is counted from the month's end.
bool take_day_separator(TextCursor& cursor) {
  if (cursor.take("~")) return true;
  if (!cursor.take("-")) cursor.fail("'-' or '~' is expected");
  return false;
}

void take_date(TextCursor& cursor, Calendar& calendar) {
  std::string kept;
  const std::string_view word = word_at(cursor, kept);
  const auto separators =
      std::count_if(word.begin(), word.end(), [](char c) { return c == '-' || c == '~'; });
  if (separators >= 2) {
    calendar.years = take_values(cursor, kYearPart);
    expect(cursor, '-');
  }
  calendar.months = take_values(cursor, kMonthPart);
  calendar.from_end = take_day_separator(cursor);
  calendar.days = take_values(cursor, calendar.from_end ? kDayFromEndPart : kDayPart, calendar.from_end);
  if (!cursor.at_end() && cursor.peek() != ' ') cursor.fail("a blank and a time, or the end, is expected");
  cursor.skip_blanks();
}

void take_time(TextCursor& cursor, Calendar& calendar) {
  calendar.hours = take_values(cursor, kHourPart);
  expect(cursor, ':');
  calendar.minutes = take_values(cursor, kMinutePart);
  calendar.microseconds = only(0);
  if (cursor.take(":")) calendar.microseconds = take_values(cursor, kSecondPart);
  cursor.skip_blanks();
  if (!cursor.at_end()) cursor.fail("the end is expected, or a time zone like Europe/Berlin");
}

// "@1700000000": the one second, in UTC.
bool take_epoch(TextCursor& cursor, Calendar& calendar) {
  if (cursor.peek() != '@') return false;
  cursor.skip();
  const std::size_t begin = cursor.position();
  const int seconds = cursor.take_number("seconds since 1970");
  if (!cursor.at_end()) cursor.fail_at(begin, "seconds since 1970, and nothing after them, are expected");
  const date::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = date::floor<date::days>(time);
  const date::year_month_day date{day};
  const std::chrono::seconds rest = time - day;
  calendar.years = only(static_cast<int>(date.year()));
  calendar.months = only(static_cast<int>(static_cast<unsigned>(date.month())));
  calendar.days = only(static_cast<int>(static_cast<unsigned>(date.day())));
  calendar.hours = only(static_cast<int>(rest.count() / 3600));
  calendar.minutes = only(static_cast<int>(rest.count() / 60 % 60));
  calendar.microseconds = only(static_cast<int>(rest.count() % 60) * kSecond);
  return true;
}

// "daily" and the like.
bool take_word(TextCursor& cursor, Calendar& calendar) {
  std::string kept;
  const std::string_view word = word_at(cursor, kept);
  const auto is = [&](std::string_view name) { return same_word(word, name); };
  Calendar found;
  found.microseconds = only(0);
  if (!is("minutely")) {
    found.minutes = only(0);
    if (!is("hourly")) found.hours = only(0);
  }
  const bool yearly = is("yearly") || is("annually") || is("anually");
  const bool half_yearly = is("semiannually") || is("semi-annually") || is("biannually") || is("bi-annually");
  if (is("weekly")) {
    found.weekdays.set(0);
  } else if (is("monthly") || is("quarterly") || yearly || half_yearly) {
    found.days = only(1);
    if (yearly) found.months = only(1);
    if (half_yearly) found.months = {{1, -1, 0}, {7, -1, 0}};
    if (is("quarterly")) found.months = {{1, -1, 3}};
  } else if (!is("minutely") && !is("hourly") && !is("daily")) {
    return false;
  }
  cursor.skip(word.size());
  cursor.skip_blanks();
  if (!cursor.at_end()) cursor.fail("the end is expected, or a time zone like Europe/Berlin");
  calendar = found;
  return true;
}

}  // namespace

std::bitset<7> take_weekdays(TextCursor& cursor) {
  std::bitset<7> days;
  for (bool first = true;; first = false) {
    const std::optional<unsigned> day = take_weekday(cursor);
    if (!day) {
      cursor.fail(first ? "a weekday, a date, a time or a word like daily is expected"
                        : "a weekday like Mon or Friday is expected");
    }
    unsigned last = *day;
    if (cursor.take("..") || cursor.take("-")) {
      const std::size_t at = cursor.position();
      const std::optional<unsigned> end = take_weekday(cursor);
      if (!end) cursor.fail("a weekday like Mon or Friday is expected");
      if (*end < *day)
        cursor.fail_at(at, "a weekday after the range's first is expected; weeks begin with Mon");
      last = *end;
    }
    for (unsigned i = *day; i <= last; ++i) days.set(i);
    if (cursor.take(",") && cursor.peek() != ' ' && !cursor.at_end()) continue;
    if (!cursor.at_end() && cursor.peek() != ' ') cursor.fail("',', '..' or a blank is expected");
    cursor.skip_blanks();
    return days;
  }
}

Calendar parse_calendar(TextCursor& cursor) {
  Calendar calendar;
  if (cursor.at_end()) cursor.fail("a weekday, a date, a time or a word like daily is expected");
  if (take_word(cursor, calendar) || take_epoch(cursor, calendar)) return calendar;
  if (!cursor.is_digit() && cursor.peek() != '*') calendar.weekdays = take_weekdays(cursor);
  std::string kept;
  if (!cursor.at_end() && word_at(cursor, kept).find(':') == std::string_view::npos)
    take_date(cursor, calendar);
  if (!cursor.at_end()) {
    take_time(cursor, calendar);
    return calendar;
  }
  calendar.hours = calendar.minutes = calendar.microseconds = only(0);
  return calendar;
}

}  // namespace garner::schedule
