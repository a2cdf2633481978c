// Cron lines: MINUTE HOUR DAY MONTH WEEKDAY, as crontab(5) has them, or "@daily" and the like.
#include <array>
#include <span>
#include <string>

#include "schedule/calendar.h"

namespace garner::schedule {

namespace {

constexpr std::array<std::string_view, 12> kMonthNames{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdayNames{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  const char* expected;
  int least;
  int most;
  std::span<const std::string_view> names;  // of `least` and what follows
};

const Field kMinuteField{"a minute from 0 to 59", 0, 59, {}};
const Field kHourField{"an hour from 0 to 23", 0, 23, {}};
const Field kDayField{"a day from 1 to 31", 1, 31, {}};
const Field kMonthField{"a month from 1 to 12, or jan to dec", 1, 12, kMonthNames};
const Field kWeekdayField{"a weekday from 0 (Sunday) to 7, or sun to sat", 0, 7, kWeekdayNames};

int take_field_value(TextCursor& cursor, const Field& field) {
  const std::size_t begin = cursor.position();
  const std::string expected = std::string(field.expected) + " is expected";
  if (!cursor.is_digit()) {
    const std::string_view word = cursor.take_letters();
    for (std::size_t i = 0; i < field.names.size(); ++i) {
      if (same_word(word, field.names[i])) return field.least + static_cast<int>(i);
    }
    cursor.fail_at(begin, expected);
  }
  const int value = cursor.take_number(field.expected);
  if (value < field.least || value > field.most) cursor.fail_at(begin, expected);
  return value;
}

ValueRange take_field_range(TextCursor& cursor, const Field& field) {
  ValueRange range;
  bool open = false;  // "*", or "5/10": up to the field's last value
  if (cursor.take("*")) {
    range = {field.least, field.most, 1};
    open = true;
  } else {
    range.start = range.stop = take_field_value(cursor, field);
    range.step = 1;
    if (cursor.take("-")) {
      const std::size_t at = cursor.position();
      range.stop = take_field_value(cursor, field);
      // "fri-sun": Sunday is the week's first day here, and its last.
      if (field.most == kWeekdayField.most && range.stop == 0 && range.start > 0) range.stop = 7;
      if (range.stop < range.start) cursor.fail_at(at, "the range must go upwards");
    } else if (cursor.peek() == '/') {
      range.stop = field.most;
    }
  }
  if (cursor.take("/")) {
    const std::size_t at = cursor.position();
    range.step = cursor.take_number("a step of at least 1");
    if (range.step < 1) cursor.fail_at(at, "a step of at least 1 is expected");
  }
  // Sunday once, when all days were meant.
  if (open && field.most == kWeekdayField.most) range.stop = 6;
  return range;
}

// `star`: whether the field begins with '*'.
Values take_field(TextCursor& cursor, const Field& field, bool* star = nullptr) {
  if (star != nullptr) *star = cursor.peek() == '*';
  Values values;
  do {
    values.push_back(take_field_range(cursor, field));
  } while (cursor.take(","));
  if (!cursor.at_end() && cursor.peek() != ' ' && cursor.peek() != '\t')
    cursor.fail("',', '-', '/' or a blank is expected");
  cursor.skip_blanks();
  return values;
}

std::bitset<7> to_weekdays(const Values& values) {
  std::bitset<7> days;
  for (const ValueRange& range : values) {
    for (int day = range.start; day <= range.stop; day += range.step) {
      days.set(static_cast<std::size_t>((day + 6) % 7));  // 0 and 7 are Sunday
    }
  }
  return days;
}

Calendar parse_word(TextCursor& cursor) {
  const std::size_t begin = cursor.position();
  cursor.skip();
  const std::string_view word = cursor.take_letters();
  const std::string expected =
      "@hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually is expected";
  if (!cursor.at_end()) cursor.fail_at(begin, expected);
  const auto is = [&](std::string_view name) { return same_word(word, name); };
  const Values zero{{0, -1, 0}};
  const Values one{{1, -1, 0}};
  Calendar calendar;
  calendar.microseconds = calendar.minutes = zero;
  if (is("hourly")) return calendar;
  calendar.hours = zero;
  if (is("daily") || is("midnight")) return calendar;
  if (is("weekly")) {
    calendar.weekdays.set(6);  // Sunday, as crontab(5) has it
    return calendar;
  }
  calendar.days = one;
  if (is("monthly")) return calendar;
  calendar.months = one;
  if (is("yearly") || is("annually")) return calendar;
  cursor.fail_at(begin, expected);
}

}  // namespace

Calendar parse_cron(TextCursor& cursor) {
  if (cursor.peek() == '@') return parse_word(cursor);
  Calendar calendar;
  bool every_day = false;
  bool every_weekday = false;
  calendar.microseconds = {{0, -1, 0}};
  calendar.minutes = take_field(cursor, kMinuteField);
  calendar.hours = take_field(cursor, kHourField);
  calendar.days = take_field(cursor, kDayField, &every_day);
  calendar.months = take_field(cursor, kMonthField);
  calendar.weekdays = to_weekdays(take_field(cursor, kWeekdayField, &every_weekday));
  if (!cursor.at_end()) cursor.fail("the end is expected: a cron line has five fields");
  // Two restricted fields: either is enough.
  calendar.day_or_weekday = !every_day && !every_weekday;
  return calendar;
}

}  // namespace garner::schedule
