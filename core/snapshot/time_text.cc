#include "snapshot/time_text.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/error.h"
#include "schedule/text_cursor.h"
#include "schedule/zone.h"

namespace garner::snapshot {
namespace {

using schedule::same_word;
using schedule::Zone;
using LocalSeconds = date::local_seconds;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kLastNano = 999'999'999;

Zone zone_of(const TimeOrigin& origin) {
  return origin.zone.empty() ? Zone::of_system() : Zone::named(origin.zone);
}

// The second of the first time that clocks show it, or of the last.
std::int64_t to_seconds(LocalSeconds time, const Zone& zone, bool last) {
  const date::local_info info = zone.info(time);
  const std::int64_t change = info.second.begin.time_since_epoch().count();
  if (info.result == date::local_info::nonexistent) return last ? change - 1 : change;
  const bool second = last && info.result == date::local_info::ambiguous;
  return (time.time_since_epoch() - (second ? info.second : info.first).offset).count();
}

// What clocks show from the first second to the last, both in it.
struct LocalSpan {
  LocalSeconds first;
  LocalSeconds last;
  std::uint32_t first_nanos = 0;
  std::uint32_t last_nanos = kLastNano;

  TimeSpan at(seconds offset) const {
    return {{(first.time_since_epoch() - offset).count(), first_nanos},
            {(last.time_since_epoch() - offset).count(), last_nanos}};
  }
  TimeSpan in(const Zone& zone) const {
    const TimeSpan span{{to_seconds(first, zone, false), first_nanos},
                        {to_seconds(last, zone, true), last_nanos}};
    return {span.first, std::max(span.first, span.last)};
  }
};

LocalSpan whole(date::local_days first, date::local_days after) {
  return {LocalSeconds(first), LocalSeconds(after) - seconds(1)};
}

// Reads one form of time from left to right; each function returns nothing where the text is of another form.
class TimeReader {
 public:
  TimeReader(std::string_view text, const TimeOrigin& origin)
      : text_(text), origin_(origin), cursor_(text, 0, text.size()) {}

  std::optional<TimeSpan> read() {
    using Form = std::optional<TimeSpan> (TimeReader::*)();
    for (const Form form : {&TimeReader::read_date, &TimeReader::read_words, &TimeReader::read_ago}) {
      cursor_ = schedule::TextCursor(text_, 0, text_.size());
      const std::optional<TimeSpan> span = (this->*form)();
      if (span && cursor_.at_end()) return span;
    }
    return std::nullopt;
  }

 private:
  // 2026-11-22, 2026-11-22T18:30:05.25+01:00, 2026-11
  std::optional<TimeSpan> read_date() {
    const auto year = take_digits(4, 4);
    if (!year || !cursor_.take("-")) return std::nullopt;
    const auto month = take_digits(2, 2);
    if (!month || *month < 1 || *month > 12) return std::nullopt;
    const date::year_month of{date::year(*year), date::month(static_cast<unsigned>(*month))};
    if (cursor_.at_end()) {
      return whole(date::local_days(of / 1), date::local_days((of + date::months(1)) / 1))
          .in(zone_of(origin_));
    }
    if (!cursor_.take("-")) return std::nullopt;
    const auto day = take_digits(2, 2);
    if (!day) return std::nullopt;
    const date::year_month_day on = of / date::day(static_cast<unsigned>(*day));
    if (!on.ok()) return std::nullopt;
    LocalSpan span = whole(date::local_days(on), date::local_days(on) + date::days(1));
    if (cursor_.peek() == ' ' || cursor_.take("T")) {
      cursor_.skip_blanks();
      if (!take_clock(span)) return std::nullopt;
    }
    if (cursor_.at_end()) return span.in(zone_of(origin_));
    const std::optional<seconds> offset = take_offset();
    return offset ? std::optional(span.at(*offset)) : std::nullopt;
  }

  // now, today, yesterday, monday, each but the first with a time of day behind it; or that alone.
  std::optional<TimeSpan> read_words() {
    const std::string_view word = cursor_.take_letters();
    if (same_word(word, "now")) return TimeSpan{origin_.now, origin_.now};
    const Zone zone = zone_of(origin_);
    const std::optional<date::local_days> day = day_named(word, zone);
    if (!day) return std::nullopt;
    LocalSpan span = whole(*day, *day + date::days(1));
    if (word.empty() || cursor_.peek() == ' ') {
      cursor_.skip_blanks();
      if (!take_clock(span)) return std::nullopt;
    }
    return span.in(zone);
  }

  // Nothing for what names none; an empty word is today.
  std::optional<date::local_days> day_named(std::string_view word, const Zone& zone) const {
    const auto today = date::floor<date::days>(zone.local(schedule::to_instant(origin_.now)));
    if (word.empty() || same_word(word, "today")) return today;
    if (same_word(word, "yesterday")) return today - date::days(1);
    static constexpr std::array<std::string_view, 7> kWeekdays{"sunday",   "monday", "tuesday", "wednesday",
                                                               "thursday", "friday", "saturday"};
    for (unsigned i = 0; i < kWeekdays.size(); ++i) {
      if (same_word(word, kWeekdays[i]) || same_word(word, kWeekdays[i].substr(0, 3)))
        return today - (date::weekday(today) - date::weekday(i));
    }
    return std::nullopt;
  }

  // 2 weeks ago
  std::optional<TimeSpan> read_ago() {
    std::int64_t months = 0;
    std::int64_t days = 0;
    std::int64_t exact = 0;  // seconds
    bool any = false;
    while (true) {
      std::optional<int> number = take_digits(1, 5);
      std::string_view word;
      if (!number) {
        word = cursor_.take_letters();
        if (same_word(word, "ago")) break;
        if (!same_word(word, "a") && !same_word(word, "an")) return std::nullopt;
        number = 1;
      }
      cursor_.skip_blanks();
      word = cursor_.take_letters();
      cursor_.skip_blanks();
      if (is_unit(word, "y", "year")) {
        months += *number * std::int64_t{12};
      } else if (is_unit(word, "month", "month")) {
        months += *number;
      } else if (is_unit(word, "w", "week")) {
        days += *number * std::int64_t{7};
      } else if (is_unit(word, "d", "day")) {
        days += *number;
      } else if (is_unit(word, "h", "hour")) {
        exact += *number * std::int64_t{3600};
      } else if (is_unit(word, "min", "minute")) {
        exact += *number * std::int64_t{60};
      } else if (is_unit(word, "s", "second")) {
        exact += *number;
      } else {
        return std::nullopt;
      }
      any = true;
    }
    // As far as a calendar goes.
    if (!any || months > 12'000 || days > 365'000) return std::nullopt;
    TimePoint time = origin_.now;
    if (months > 0 || days > 0)
      time.seconds = calendar_before(static_cast<int>(months), static_cast<int>(days));
    time.seconds -= exact;
    return TimeSpan{time, time};
  }

  // The same time of day so many months and days before now.
  std::int64_t calendar_before(int months, int days) const {
    const Zone zone = zone_of(origin_);
    const auto now = date::floor<seconds>(zone.local(schedule::to_instant(origin_.now)));
    const auto today = date::floor<date::days>(now);
    const date::year_month_day on{today};
    const date::year_month of = date::year_month(on.year(), on.month()) - date::months(months);
    const date::year_month_day_last end{of.year(), date::month_day_last(of.month())};
    const auto day = date::local_days(of / std::min(on.day(), end.day())) - date::days(days);
    return to_seconds(LocalSeconds(day) + (now - LocalSeconds(today)), zone, false);
  }

  static bool is_unit(std::string_view word, std::string_view shortest, std::string_view name) {
    if (same_word(word, shortest) || same_word(word, name)) return true;
    return word.size() == name.size() + 1 && same_word(word.substr(0, name.size()), name) &&
           same_word(word.substr(name.size()), "s");
  }

  // 18:30, 18:30:05, 18:30:05.25: makes of a day that part of it.
  bool take_clock(LocalSpan& span) {
    const auto hour = take_digits(1, 2);
    if (!hour || *hour > 23 || !cursor_.take(":")) return false;
    const auto minute = take_digits(2, 2);
    if (!minute || *minute > 59) return false;
    span.first += hours(*hour) + minutes(*minute);
    span.last = span.first + seconds(59);
    if (!cursor_.take(":")) return true;
    const auto second = take_digits(2, 2);
    if (!second || *second > 60) return false;  // 60: a leap second
    span.first += seconds(*second);
    span.last = span.first;
    if (!cursor_.take(".")) return true;
    std::uint32_t unit = 1'000'000'000;
    std::uint32_t nanos = 0;
    while (const auto digit = take_digits(1, 1)) {
      unit /= 10;
      nanos += static_cast<std::uint32_t>(*digit) * unit;
      if (unit == 1) break;
    }
    if (unit == 1'000'000'000) return false;
    span.first_nanos = nanos;
    span.last_nanos = nanos + unit - 1;
    return true;
  }

  // Z, +01:00, -0530
  std::optional<seconds> take_offset() {
    if (cursor_.take("Z")) return seconds(0);
    const bool west = cursor_.peek() == '-';
    if (!cursor_.take("+") && !cursor_.take("-")) return std::nullopt;
    const auto hour = take_digits(2, 2);
    cursor_.take(":");
    const auto minute = take_digits(2, 2);
    if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
    const seconds offset = hours(*hour) + minutes(*minute);
    return west ? -offset : offset;
  }

  // Takes no more than `most` digits, and nothing where there are fewer than `least`.
  std::optional<int> take_digits(int least, int most) {
    int number = 0;
    int count = 0;
    for (; count < most && cursor_.is_digit(); ++count, cursor_.skip())
      number = number * 10 + (cursor_.peek() - '0');
    return count >= least ? std::optional(number) : std::nullopt;
  }

  std::string_view text_;
  const TimeOrigin& origin_;
  schedule::TextCursor cursor_;
};

}  // namespace

std::optional<TimeSpan> parse_time(std::string_view text, const TimeOrigin& origin) {
  return TimeReader(text, origin).read();
}

TimeSpan read_time(std::string_view text, const TimeOrigin& origin) {
  if (const std::optional<TimeSpan> span = parse_time(text, origin)) return *span;
  throw Error(ErrorKind::kInvalidInput, "\"" + printable(text) + "\" is no time: " + kTimeForms);
}

}  // namespace garner::snapshot
