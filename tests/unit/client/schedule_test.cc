#include <catch2/catch.hpp>

#include "failure.h"
#include "schedule_option.h"
#include "schedule_text.h"

namespace garner::client {
namespace {

TEST_CASE("a schedule is for one destination when a name and '=' stand before it") {
  CHECK(parse_schedule_entry("Mon..Fri 22:30").destination().empty());
  const v1::ScheduleEntry entry = parse_schedule_entry("disk=every 6h");
  CHECK(entry.destination() == "disk");
  CHECK(entry.schedule() == "every 6h");
  CHECK_THROWS_AS(parse_schedule_entry("a disk=daily"), Failure);
  CHECK_THROWS_AS(parse_schedule_entry("=daily"), Failure);
  CHECK_THROWS_AS(parse_schedule_entry("\xff"), Failure);
}

TEST_CASE("durations are read as they are shown, less the blanks") {
  CHECK(parse_duration("--x", "90m") == 5400);
  CHECK(parse_duration("--x", "1d12h") == 129'600);
  CHECK(parse_duration("--x", "2w") == 1'209'600);
  CHECK(parse_duration("--x", "0") == 0);
  for (const char* bad : {"", "1", "m", "1.5h", "-1h", "1h ", "1y", "9999999999s"})
    CHECK_THROWS_AS(parse_duration("--x", bad), Failure);
  CHECK(duration_text(5400) == "1h 30m");
  CHECK(duration_text(129'600) == "1d 12h");
  CHECK(duration_text(0).empty());
}

TEST_CASE("status tells of each set that it is overdue, waits, and runs next") {
  v1::Status status;
  status.add_sets()->set_name("quiet");
  v1::SetStatus& set = *status.add_sets();
  set.set_name("home");
  set.set_overdue(true);
  set.set_waits_for("mains power");
  for (const std::int64_t seconds : {0, 3600, 7200})
    set.add_next_runs()->set_seconds(1'780'272'000 + seconds);
  const Terminal terminal;
  const std::string text = schedules_text(status.sets(), terminal);
  CHECK(text.find("home is overdue\n") != std::string::npos);
  CHECK(text.find("home is due and waits for mains power\n") != std::string::npos);
  CHECK(text.find("home runs next: ") != std::string::npos);
  CHECK(text.find("quiet") == std::string::npos);
}

}  // namespace
}  // namespace garner::client
