#include "schedule/schedule.h"

#include "support.h"

namespace garner::schedule {
namespace {

using Catch::Matchers::Contains;
using Texts = std::vector<std::string>;

TEST_CASE("calendar expressions come when they say") {
  CHECK(times("daily", "2026-01-01 00:00:00", 2) == Texts{"2026-01-02 00:00:00", "2026-01-03 00:00:00"});
  CHECK(times("Mon..Fri 22:30", "2026-01-02 22:30:00", 1) == Texts{"2026-01-05 22:30:00"});
  CHECK(times("Sat,Mon *-*-1..7 18:00", "2026-01-01 00:00:00", 3) ==
        Texts{"2026-01-03 18:00:00", "2026-01-05 18:00:00", "2026-02-02 18:00:00"});
  CHECK(times("*-02~1", "2027-01-01 00:00:00", 2) == Texts{"2027-02-28 00:00:00", "2028-02-29 00:00:00"});
  CHECK(times("Mon *-05~7/1", "2026-01-01 00:00:00", 2) ==
        Texts{"2026-05-25 00:00:00", "2027-05-31 00:00:00"});
  CHECK(times("*:0/20", "2026-01-01 00:10:00", 3) ==
        Texts{"2026-01-01 00:20:00", "2026-01-01 00:40:00", "2026-01-01 01:00:00"});
  CHECK(times("*:*:0.5/30", "2026-01-01 00:00:00", 2) ==
        Texts{"2026-01-01 00:00:00.500000", "2026-01-01 00:00:30.500000"});
  CHECK(times("quarterly", "2026-02-01 00:00:00", 1) == Texts{"2026-04-01 00:00:00"});
  CHECK(times("@1800000000", "2026-01-01 00:00:00", 2, "Asia/Tokyo") == Texts{"2027-01-15 08:00:00"});
  CHECK(times("12:00 Asia/Tokyo", "2026-01-01 00:00:00", 1, "Europe/Berlin") == Texts{"2026-01-01 03:00:00"});
  CHECK(times("12:00 utc", "2026-01-01 00:00:00", 1, "Europe/Berlin") == Texts{"2026-01-01 12:00:00"});
}

TEST_CASE("cron lines come when they say") {
  CHECK(times("30 2 * * mon-fri", "2026-01-02 02:30:00", 1) == Texts{"2026-01-05 02:30:00"});
  CHECK(times("*/20 0 1 jan *", "2026-01-01 00:10:00", 3) ==
        Texts{"2026-01-01 00:20:00", "2026-01-01 00:40:00", "2027-01-01 00:00:00"});
  CHECK(times("5/20 0 * * *", "2026-01-01 00:00:00", 3) ==
        Texts{"2026-01-01 00:05:00", "2026-01-01 00:25:00", "2026-01-01 00:45:00"});
  // Both days restricted: either is enough. One that begins with '*' is not.
  CHECK(times("0 0 13 * 5", "2026-01-01 00:00:00", 4) ==
        Texts{"2026-01-02 00:00:00", "2026-01-09 00:00:00", "2026-01-13 00:00:00", "2026-01-16 00:00:00"});
  CHECK(times("0 0 */31 * 4", "2026-01-01 00:00:00", 1) == Texts{"2026-10-01 00:00:00"});
  // Sunday is 0, 7 and sun.
  for (const char* sunday : {"0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "0 0 * * sun-sun", "@weekly"}) {
    CHECK(times(sunday, "2026-01-01 00:00:00", 2) == Texts{"2026-01-04 00:00:00", "2026-01-11 00:00:00"});
  }
  CHECK(times("0 0 * * fri-sun", "2026-01-01 00:00:00", 4) ==
        Texts{"2026-01-02 00:00:00", "2026-01-03 00:00:00", "2026-01-04 00:00:00", "2026-01-09 00:00:00"});
  CHECK(times("0 3 * * * America/New_York", "2026-01-01 00:00:00", 1) == Texts{"2026-01-01 08:00:00"});
}

TEST_CASE("intervals count from their anchor, whatever clocks show") {
  CHECK(times("every 6h", "2026-01-01 00:00:00", 2) == Texts{"2026-01-01 06:00:00", "2026-01-01 12:00:00"});
  CHECK(times("every 7h", "2025-12-31 17:00:00", 2) == Texts{"2026-01-01 00:00:00", "2026-01-01 07:00:00"});
  CHECK(times("every 7h", "2025-12-31 16:59:59", 1) == Texts{"2025-12-31 17:00:00"});
  CHECK(times("every 1d12h", "2026-03-28 00:00:00", 2, "Europe/Berlin") ==
        Texts{"2026-03-29 00:00:00", "2026-03-30 12:00:00"});
  CHECK(times("every 90 minutes", "2026-01-01 00:00:00", 1) == Texts{"2026-01-01 01:30:00"});
}

TEST_CASE("what daylight saving skips does not come, what it repeats comes once") {
  CHECK(times("02:30", "2026-03-28 01:30:00", 1, "Europe/Berlin") == Texts{"2026-03-30 00:30:00"});
  CHECK(times("*:0/30", "2026-03-29 00:30:00", 2, "Europe/Berlin") ==
        Texts{"2026-03-29 01:00:00", "2026-03-29 01:30:00"});
  CHECK(times("02:30", "2026-10-24 00:30:00", 2, "Europe/Berlin") ==
        Texts{"2026-10-25 00:30:00", "2026-10-26 01:30:00"});
  // Asked from within the repeated hour, too.
  for (const char* after : {"2026-10-25 00:30:00", "2026-10-25 01:10:00", "2026-10-25 01:59:59"}) {
    CHECK(times("*:0/30", after, 1, "Europe/Berlin") == Texts{"2026-10-25 02:00:00"});
  }
  // Lord Howe moves by half an hour, Samoa left out a day.
  CHECK(times("02:15", "2026-10-02 16:00:00", 1, "Australia/Lord_Howe") == Texts{"2026-10-04 15:15:00"});
  CHECK(times("12:00", "2011-12-29 12:00:00", 2, "Pacific/Apia") ==
        Texts{"2011-12-29 22:00:00", "2011-12-30 22:00:00"});
  CHECK(times("*-*-* *:*:*", "2011-12-30 09:59:59", 1, "Pacific/Apia") == Texts{"2011-12-30 10:00:00"});
  // Beyond what zone files list change by change.
  CHECK(times("*-7-1 12:00", "2060-01-01 00:00:00", 1, "Europe/Berlin") == Texts{"2060-07-01 10:00:00"});
  CHECK(times("*-1-1 12:00", "2060-02-01 00:00:00", 1, "Australia/Sydney") == Texts{"2061-01-01 01:00:00"});
}

TEST_CASE("a zone is what the system has a zone's file of") {
  for (const char* good : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "EST5EDT"})
    CHECK(Zone::exists(good));
  for (const char* bad : {"", "/etc/passwd", "../passwd", "Europe", "zone.tab", "leapseconds",
                          "Europe//Berlin", "Europe/Berlin/", "Mars/Olympus"}) {
    CHECK_FALSE(Zone::exists(bad));
  }
}

TEST_CASE("refusals say where, and what is expected") {
  CHECK_THAT(refusal(""), Contains("empty"));
  CHECK_THAT(refusal("Mon..Fri 24:00"), Contains("character 10: an hour from 0 to 23 is expected"));
  CHECK_THAT(refusal("10:61"), Contains("character 4: a minute"));
  CHECK_THAT(refusal("10:00:60"), Contains("character 7: a second"));
  CHECK_THAT(refusal("*-13-01"), Contains("character 3: a month"));
  CHECK_THAT(refusal("*-*~29"), Contains("character 5: a day from 1 (the month's last) to 28"));
  CHECK_THAT(refusal("Foo 10:00"), Contains("character 1: a weekday"));
  CHECK_THAT(refusal("Mon,Bar 10:00"), Contains("character 5: a weekday"));
  CHECK_THAT(refusal("Sun..Tue"), Contains("character 6: a weekday after"));
  CHECK_THAT(refusal("10:00 Europe/Berln"), Contains("character 7: a time, or a time zone"));
  CHECK_THAT(refusal("10:5..3"), Contains("character 4: the range must go upwards"));
  CHECK_THAT(refusal("10:0/0"), Contains("character 6: a step above 0"));
  CHECK_THAT(refusal("10:50/20"), Contains("character 4: the step leads beyond"));
  CHECK_THAT(refusal("2026-01-01 10"), Contains("character 14: ':' is expected"));
  CHECK_THAT(refusal("10:00:00 x"), Contains("character 10"));
  CHECK_THAT(refusal("99999999999:00"), Contains("character 1: the number is too large"));
  CHECK_THAT(refusal("61 * * * *"), Contains("character 1: a minute"));
  CHECK_THAT(refusal("* * * foo *"), Contains("character 7: a month"));
  CHECK_THAT(refusal("* * * * 8"), Contains("character 9: a weekday"));
  CHECK_THAT(refusal("5-2 * * * *"), Contains("character 3: the range must go upwards"));
  CHECK_THAT(refusal("@reboot"), Contains("character 1: @hourly"));
  CHECK_THAT(refusal("every"), Contains("character 6: a duration"));
  CHECK_THAT(refusal("every 6x"), Contains("character 8: a unit"));
  CHECK_THAT(refusal("every 5s"), Contains("character 7: a duration from 1 minute"));
  CHECK_THAT(refusal(std::string(2000, '1')), Contains("1,000 bytes"));
}

TEST_CASE("a schedule that never comes is refused with the reason") {
  CHECK_THAT(refusal("2026-02-30"), Contains("never comes: there is no such day in such a month"));
  CHECK_THAT(refusal("0 0 31 2,4,6 *"), Contains("there is no such day in such a month"));
  CHECK_THAT(refusal("Mon 2026-11-24"), Contains("that date is never such a weekday"));
  CHECK_THAT(refusal("2026-03-29 02:30", "Europe/Berlin"), Contains("put forward over that time"));
  CHECK(refusal("2026-03-29 02:30") == "taken");
  CHECK(times("2026-01-01 10:00", "2026-01-01 10:00:00", 1).empty());
}

TEST_CASE("the last time before another is the one that stepping through finds") {
  const bool holds = rc::check("last() agrees with next()", [] {
    const std::string text =
        *rc::gen::element<std::string>("*:0/7", "Mon,Thu 3:10", "*-*~1 4:00", "every 37m", "*-1,7-1",
                                       "0 0 13 * 5", "02:30", "2026-06-01 1:*:*");
    const Schedule schedule = parse(text, "Europe/Berlin");
    const Instant after = at("2026-01-01 00:00:00") + std::chrono::minutes(*rc::gen::inRange(0, 400'000));
    const Instant until = after + std::chrono::minutes(*rc::gen::inRange(0, 40'000));
    std::optional<Instant> expected;
    for (auto time = schedule.next(after); time && *time <= until; time = schedule.next(*time))
      expected = time;
    RC_ASSERT((schedule.last(after, until) == expected));
  });
  CHECK(holds);
}

TEST_CASE("no text makes the parser do anything but take or refuse") {
  const bool holds = rc::check("any text", [] {
    const std::string text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("0123456789*/.,:-~@ MonFrievyhdUTC\x01\xff")));
    try {
      parse(text, "Europe/Berlin").next(at("2026-01-01 00:00:00"), 2);
    } catch (const Error& error) {
      RC_ASSERT(error.kind() == ErrorKind::kInvalidInput);
    }
  });
  CHECK(holds);
}

}  // namespace
}  // namespace garner::schedule
