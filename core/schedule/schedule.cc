#include "schedule/schedule.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::schedule {

namespace {

constexpr std::size_t kLongestText = 1000;
constexpr std::size_t kCronFields = 5;
constexpr std::chrono::seconds kLeastInterval{60};
constexpr std::chrono::hours kMostInterval{24 * 366 * 10};
constexpr std::chrono::hours kMostDuration{24 * 366 * 100};

struct Unit {
  std::string_view name;
  std::int64_t seconds;
};

// Of those that begin alike the longer ones first.
constexpr std::array kUnits{
    Unit{"seconds", 1},   Unit{"second", 1},   Unit{"sec", 1},     Unit{"s", 1},        Unit{"minutes", 60},
    Unit{"minute", 60},   Unit{"min", 60},     Unit{"m", 60},      Unit{"hours", 3600}, Unit{"hour", 3600},
    Unit{"h", 3600},      Unit{"days", 86400}, Unit{"day", 86400}, Unit{"d", 86400},    Unit{"weeks", 604800},
    Unit{"week", 604800}, Unit{"w", 604800}};

struct Word {
  std::size_t begin;
  std::size_t end;
};

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  std::size_t at = 0;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(" \t", at);
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    words.push_back({begin, end});
    at = end;
  }
}

bool has_letter(std::string_view word) {
  return std::any_of(word.begin(), word.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

// Takes the zone off the end; nothing where the last word is none.
std::optional<Zone> take_zone(std::string_view text, std::vector<Word>& words) {
  if (words.size() < 2) return std::nullopt;
  const std::string_view last = text.substr(words.back().begin, words.back().end - words.back().begin);
  const bool utc = same_word(last, "UTC");
  if (!has_letter(last) || !(utc || Zone::exists(last))) return std::nullopt;
  words.pop_back();
  return utc ? Zone::utc() : Zone::named(last);
}

// A last word that can only have been meant as a zone.
void check_for_unknown_zone(std::string_view text, const std::vector<Word>& words) {
  if (words.size() < 2) return;
  const Word& last = words.back();
  const std::string_view word = text.substr(last.begin, last.end - last.begin);
  if (!has_letter(word) || word.find_first_of(":*@") != std::string_view::npos) return;
  TextCursor(text, last.begin, last.end)
      .fail("a time, or a time zone that this system knows (Europe/Berlin, UTC), is expected");
}

// Why a calendar has no time at all.
std::string reason(const Calendar& calendar, const Zone& zone) {
  Calendar any_weekday = calendar;
  any_weekday.weekdays.reset();
  const LocalTime begin{date::local_days(date::year(kFirstYear) / 1 / 1)};
  if (calendar.next_local(begin)) {
    return "clocks in " + zone.name() + " are put forward over that time";
  }
  if (any_weekday.next_local(begin)) return "that date is never such a weekday";
  return "there is no such day in such a month";
}

}  // namespace

Duration take_duration(TextCursor& cursor) {
  const std::size_t begin = cursor.position();
  std::int64_t seconds = 0;
  do {
    const int number = cursor.take_number("a duration like 6h, 90m or 1d12h");
    cursor.skip_blanks();
    const auto* const unit =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return cursor.take(one.name); });
    if (unit == kUnits.end()) cursor.fail("a unit is expected: s, m, h, d or w");
    seconds += number * unit->seconds;
    if (seconds > std::chrono::seconds(kMostDuration).count())
      cursor.fail_at(begin, "the duration is too long");
    cursor.skip_blanks();
  } while (cursor.is_digit());
  return std::chrono::seconds(seconds);
}

Duration parse_duration(std::string_view text) {
  TextCursor cursor(text, 0, text.size());
  const Duration duration = take_duration(cursor);
  if (!cursor.at_end()) cursor.fail("a number or the end is expected");
  return duration;
}

Schedule Schedule::parse(std::string_view text, const Zone& zone, Instant anchor) {
  if (text.size() > kLongestText)
    throw Error(ErrorKind::kInvalidInput, "a schedule of more than 1,000 bytes");
  std::vector<Word> words = words_of(text);
  if (words.empty()) {
    throw Error(
        ErrorKind::kInvalidInput,
        "the schedule is empty: write one like 'daily', 'Mon..Fri 22:30', '30 2 * * *' or 'every 6h'");
  }
  const auto cursor_over = [&] { return TextCursor(text, words.front().begin, words.back().end); };
  TextCursor cursor = cursor_over();
  if (same_word(text.substr(words.front().begin, words.front().end - words.front().begin), "every")) {
    cursor.take("every");
    cursor.skip_blanks();
    const std::size_t begin = cursor.position();
    const Duration length = take_duration(cursor);
    if (!cursor.at_end()) cursor.fail("a number or the end is expected");
    if (length < kLeastInterval || length > kMostInterval)
      cursor.fail_at(begin, "a duration from 1 minute to 10 years is expected");
    return Schedule(std::string(text), zone, Interval{anchor, length});
  }

  Zone effective = zone;
  if (std::optional<Zone> own = take_zone(text, words)) effective = *std::move(own);
  const std::string_view body = text.substr(words.front().begin, words.back().end - words.front().begin);
  cursor = cursor_over();
  const bool cron_word = body.size() > 1 && body[0] == '@' && has_letter(body);
  const bool cron = cron_word || (words.size() == kCronFields && body.find(':') == std::string_view::npos);
  if (!cron) check_for_unknown_zone(text, words);
  if (body.front() == '@' && !cron_word) effective = Zone::utc();
  Calendar calendar = cron ? parse_cron(cursor) : parse_calendar(cursor);
  if (!calendar.next(Instant(Duration(-1)), effective)) {
    throw Error(ErrorKind::kInvalidInput,
                "'" + printable(text) + "' never comes: " + reason(calendar, effective));
  }
  return Schedule(std::string(text), std::move(effective), std::move(calendar));
}

std::optional<Instant> Schedule::next(Instant after) const {
  if (const auto* calendar = std::get_if<Calendar>(&times_)) return calendar->next(after, zone_);
  const auto& interval = std::get<Interval>(times_);
  // Before the anchor, too: the clock may have been set back since.
  const Duration since = after - interval.anchor;
  const auto passed = since / interval.length - (since % interval.length < Duration(0) ? 1 : 0);
  return interval.anchor + (passed + 1) * interval.length;
}

std::vector<Instant> Schedule::next(Instant after, std::size_t count) const {
  std::vector<Instant> times;
  while (times.size() < count) {
    const std::optional<Instant> found = next(times.empty() ? after : times.back());
    if (!found) break;
    times.push_back(*found);
  }
  return times;
}

std::optional<Instant> Schedule::last(Instant after, Instant until) const {
  std::optional<Instant> found = next(after);
  if (!found || *found > until) return std::nullopt;
  // `low` is a time; none lies between `high` and `until`.
  Instant low = *found;
  Instant high = until;
  for (;;) {
    found = next(low);
    if (!found || *found > until) return low;
    low = *found;
    const Instant middle = low + (high - low) / 2;
    found = next(middle);
    if (found && *found <= until) {
      low = *found;
    } else {
      high = middle;
    }
  }
}

}  // namespace garner::schedule
