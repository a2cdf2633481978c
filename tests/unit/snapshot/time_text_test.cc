#include "snapshot/time_text.h"

#include <date/date.h>
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "base/error.h"
#include "sample_times.h"
#include "schedule/zone.h"

namespace garner::snapshot {
namespace {

using testing::kDay;

// Wednesday, 2026-11-25T10:30:15.5Z
constexpr TimePoint kMorning{1'795'602'615, 500'000'000};

TimeSpan span(const std::string& text, const std::string& zone = "UTC") {
  INFO(text << " in " << zone);
  const auto found = parse_time(text, {kMorning, zone});
  REQUIRE(found);
  REQUIRE(found->first <= found->last);
  return *found;
}
// The last second.
std::int64_t seconds(const std::string& text, const std::string& zone = "UTC") {
  return span(text, zone).last.seconds;
}
std::int64_t first(const std::string& text, const std::string& zone = "UTC") {
  return span(text, zone).first.seconds;
}

TEST_CASE("a time is all of the month, day, minute or second that it names") {
  CHECK(span("1970-01-01T00:00:00Z") == TimeSpan{{0, 0}, {0, 999'999'999}});
  CHECK(span("1970-01-01T00:00Z") == TimeSpan{{0, 0}, {59, 999'999'999}});
  CHECK(span("1970-01-01Z") == TimeSpan{{0, 0}, {86'399, 999'999'999}});
  CHECK(span("1970-01-01") == span("1970-01-01Z"));
  CHECK(span("1970-01") == TimeSpan{{0, 0}, {31 * kDay - 1, 999'999'999}});
  CHECK(first("2027-01") == seconds("2026-12") + 1);
  CHECK(seconds("2026-11-22T18:30:05Z") == 1'795'372'205);
  CHECK(seconds("2026-11-22 18:30Z") == 1'795'372'259);
  CHECK(seconds("2026-11-22t18:30z") == 1'795'372'259);
  CHECK(seconds("1969-12-31T23:59:59Z") == -1);
  CHECK(seconds("2024-02-29T12:00:00Z") == 1'709'208'000);
}

TEST_CASE("ISO 8601 with fractions and offsets") {
  CHECK(span("1970-01-01T00:00:01.25Z") == TimeSpan{{1, 250'000'000}, {1, 259'999'999}});
  CHECK(span("1970-01-01T00:00:01.123456789Z") == TimeSpan{{1, 123'456'789}, {1, 123'456'789}});
  CHECK(first("2026-11-22T18:30+01:00") == first("2026-11-22T17:30Z"));
  CHECK(first("2026-11-22T18:30-0530") == first("2026-11-23T00:00Z"));
  CHECK(first("2026-11-22+01:00") == first("2026-11-21T23:00Z"));
  CHECK(first("2026-11-22T18:30+01:00", "America/New_York") == first("2026-11-22T17:30Z"));
}

TEST_CASE("local times, with and without summer time") {
  const std::string zone = "Europe/Berlin";
  CHECK(seconds("2026-11-22T18:30:05", zone) == 1'795'372'205 - 3600);
  CHECK(seconds("2026-07-01T12:00:00", zone) == seconds("2026-07-01T10:00:00Z"));
  // The days on which the clocks change have 23 and 25 hours.
  CHECK(seconds("2026-03-29", zone) - seconds("2026-03-28", zone) == 23 * 3600);
  CHECK(seconds("2026-10-25", zone) - seconds("2026-10-24", zone) == 25 * 3600);
  // No clock shows it: the moment of the change.
  CHECK(first("2026-03-29T02:30", zone) == first("2026-03-29T01:00Z"));
  // Clocks show it twice, and what comes before it once.
  CHECK(first("2026-10-25T02:30", zone) == first("2026-10-25T00:30Z"));
  CHECK(seconds("2026-10-25T02:30", zone) == seconds("2026-10-25T01:30Z"));
  CHECK(span("2026-10-25T01:59", zone) == span("2026-10-24T23:59Z"));
}

TEST_CASE("days that are named") {
  CHECK(span("now") == TimeSpan{kMorning, kMorning});
  CHECK(span("today") == span("2026-11-25"));
  CHECK(span("Yesterday") == span("2026-11-24"));
  CHECK(span("yesterday 14:00") == span("2026-11-24T14:00"));
  CHECK(span("today 9:05:07") == span("2026-11-25T09:05:07"));
  CHECK(span("14:00") == span("2026-11-25T14:00"));
  CHECK(span("monday") == span("2026-11-23"));
  CHECK(span("MON 8:30") == span("2026-11-23T08:30"));
  CHECK(span("wednesday") == span("2026-11-25"));
  CHECK(span("thursday") == span("2026-11-19"));
  // It is another day there.
  CHECK(span("today", "Pacific/Kiritimati") == span("2026-11-26", "Pacific/Kiritimati"));
  CHECK(span("today 1:00", "America/New_York") == span("2026-11-25T06:00Z"));
}

TEST_CASE("so long ago") {
  const auto moment = [](const std::string& date) {
    const std::int64_t second = first(date);
    return TimeSpan{{second, kMorning.nanos}, {second, kMorning.nanos}};
  };
  CHECK(span("2 weeks ago") == moment("2026-11-11T10:30:15"));
  CHECK(span("2w ago") == span("14 days ago"));
  CHECK(span("1 year 6 months ago") == moment("2025-05-25T10:30:15"));
  CHECK(span("1y 6months ago") == span("18 months ago"));
  CHECK(span("an hour ago") == moment("2026-11-25T09:30:15"));
  CHECK(span("90 min ago") == span("1h 30 minutes ago"));
  CHECK(span("a day 5 seconds ago") == moment("2026-11-24T10:30:10"));
  // A month without such a day ends with its last.
  const auto before_leap_day = parse_time("1 month ago", {{1'711'877'400, 0}, "UTC"});  // 2024-03-31T09:30Z
  REQUIRE(before_leap_day);
  CHECK(before_leap_day->first.seconds == first("2024-02-29T09:30"));
  // The same time of day, though the clocks were changed meanwhile.
  CHECK(span("2 months ago", "Europe/Berlin") == moment("2026-09-25T09:30:15Z"));
}

TEST_CASE("what is no time is refused with what is") {
  for (const char* text : {"",
                           " ",
                           "2026",
                           "2026-13",
                           "2026-1-22",
                           "2026-00-01",
                           "2026-13-01",
                           "2026-11-00",
                           "2026-11-31",
                           "2025-02-29",
                           "1900-02-29",
                           "2026-11-22T",
                           "2026-11-22T18",
                           "2026-11-22T18:3",
                           "2026-11-22T24:00",
                           "2026-11-22T18:60",
                           "2026-11-22T18:30:61",
                           "2026-11-22T18:30:05.",
                           "2026-11-22T18:30:05.1234567890",
                           "2026-11-22T18:30+25:00",
                           "2026-11-22T18:30+1",
                           "2026-11-22ZZ",
                           "x2026-11-22",
                           "2026-11-22 ",
                           "yesterday ",
                           "yesterday 25:00",
                           "yesterdayish",
                           "14:00Z",
                           "someday",
                           "tomorrow",
                           "ago",
                           "2 ago",
                           "weeks ago",
                           "2 weeks",
                           "2 weeks ago 14:00",
                           "2 fortnights ago",
                           "30m ago",  // minutes to some, months to --keep-within
                           "99999 years ago",
                           "100000 days ago"}) {
    INFO(text);
    CHECK_FALSE(parse_time(text, {kMorning, "UTC"}));
    try {
      read_time(text, {kMorning, "UTC"});
      FAIL("it is taken");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kInvalidInput);
      CHECK_THAT(error.what(), Catch::Contains("2026-11-22T18:30") && Catch::Contains("2 weeks ago"));
    }
  }
  CHECK_THROWS_AS(parse_time("today", {kMorning, "Mars/Olympus"}), Error);
}

// ---- Any time: printed by the date library, and read again ----

using UtcSeconds = date::sys_seconds;

rc::Gen<std::int64_t> any_second() {
  // 1970 to 2036.
  return rc::gen::inRange<std::int64_t>(0, 2'114'380'800);
}
rc::Gen<std::string> any_zone() {
  return rc::gen::element<std::string>("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
                                       "Australia/Lord_Howe", "Pacific/Apia");
}

TEST_CASE("whatever time is printed is read as the same") {
  REQUIRE(rc::check([] {
    const std::int64_t second = *any_second();
    const UtcSeconds utc{std::chrono::seconds(second)};
    const auto nanos = *rc::gen::inRange<std::uint32_t>(0, 1'000'000'000);
    const std::string digits = std::to_string(1'000'000'000 + nanos).substr(1);
    const std::string text = date::format("%FT%T", utc) + '.' + digits + 'Z';
    RC_ASSERT(parse_time(text, {kMorning, *any_zone()}) == (TimeSpan{{second, nanos}, {second, nanos}}));
  }));
}

TEST_CASE("whatever clocks show somewhere is read as when they do") {
  REQUIRE(rc::check([] {
    const std::int64_t second = *any_second();
    const std::string name = *any_zone();
    const schedule::Zone zone = schedule::Zone::named(name);
    const auto local = zone.local(schedule::to_instant({second, 0}));
    const std::string text =
        date::format(*rc::gen::element("%FT%T", "%F %T"), date::floor<std::chrono::seconds>(local));
    const auto read = parse_time(text, {kMorning, name});
    RC_ASSERT(read);
    // Of a time that comes twice it is the one or the other.
    RC_ASSERT(read->first.seconds <= second);
    RC_ASSERT(read->last.seconds >= second);
    const bool twice = zone.info(local).result == date::local_info::ambiguous;
    RC_ASSERT(twice || (read->first.seconds == second && read->last.seconds == second));
    // And lies in its minute, day and month.
    for (const char* format : {"%FT%R", "%F", "%Y-%m"}) {
      const auto around = parse_time(date::format(format, local), {kMorning, name});
      RC_ASSERT(around);
      RC_ASSERT(around->first <= read->first);
      RC_ASSERT(around->last >= read->last);
    }
  }));
}

TEST_CASE("the more in words, the longer ago") {
  REQUIRE(rc::check([] {
    const TimeOrigin origin{{*any_second(), 0}, *any_zone()};
    const int number = *rc::gen::inRange(1, 1000);
    const std::string unit = *rc::gen::element<std::string>(
        "years", "months", "weeks", "days", "hours", "minutes", "seconds", "y", "w", "d", "h", "min", "s");
    const auto once = parse_time(std::to_string(number) + ' ' + unit + " ago", origin);
    const auto more = parse_time(std::to_string(number + 1) + unit + " ago", origin);
    RC_ASSERT(once);
    RC_ASSERT(more);
    RC_ASSERT(once->first <= origin.now);
    RC_ASSERT(more->first <= once->first);
  }));
}

TEST_CASE("no text ends in anything but a time or nothing") {
  REQUIRE(rc::check([] {
    std::string text;
    for (const auto& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
             "2026-11-22", "T", " ", "18:30", ":05", ".5", "Z", "+01:00", "-", "2", "weeks", "ago", "a",
             "day", "yesterday", "monday", "0", "99999", "\xff", "\n")))
      text += piece;
    const auto span = parse_time(text, {kMorning, "Europe/Berlin"});
    RC_ASSERT(!span || span->first <= span->last);
    if (!span) RC_ASSERT_THROWS_AS(read_time(text, {kMorning, "Europe/Berlin"}), Error);
  }));
}

}  // namespace
}  // namespace garner::snapshot
