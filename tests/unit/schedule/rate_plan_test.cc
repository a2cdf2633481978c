#include "schedule/rate_plan.h"

#include "support.h"

namespace garner::schedule {
namespace {

using Catch::Matchers::Contains;

RatePlan plan(const std::vector<std::string>& rules, const std::string& zone = "UTC") {
  return RatePlan(rules, Zone::named(zone));
}

std::string refusal_of(const std::vector<std::string>& rules) {
  try {
    plan(rules);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    return error.what();
  }
  return "taken";
}

// "500000 until 2026-01-01 08:00:00".
std::string at_time(const RatePlan& plan, const std::string& time) {
  const RatePlan::Current current = plan.at(at(time));
  return (current.bytes_per_second ? std::to_string(*current.bytes_per_second) : "none") +
         (current.until ? " until " + text_of(*current.until) : "");
}

TEST_CASE("a rate without a window holds always") {
  CHECK(at_time(plan({"2M"}), "2026-01-01 12:00:00") == "2000000");
  CHECK(at_time(plan({"1.5MiB/s"}), "2026-01-01 12:00:00") == "1572864");
  CHECK(at_time(plan({}), "2026-01-01 12:00:00") == "none");
  CHECK(at_time(plan({"none"}), "2026-01-01 12:00:00") == "none");
  CHECK(plan({}).empty());
  CHECK(plan({"0"}).empty());
  CHECK_FALSE(plan({"22:00-06:00=none"}).empty());
}

TEST_CASE("in its window a rate takes the place of the general one, lower or higher") {
  const RatePlan rates = plan({"2M", "08:00..18:00=500K", "22:00-06:00=none"});
  CHECK(at_time(rates, "2026-01-01 07:59:59") == "2000000 until 2026-01-01 08:00:00");
  CHECK(at_time(rates, "2026-01-01 08:00:00") == "500000 until 2026-01-01 18:00:00");
  CHECK(at_time(rates, "2026-01-01 18:00:00") == "2000000 until 2026-01-01 22:00:00");
  CHECK(at_time(rates, "2026-01-01 23:00:00") == "none until 2026-01-02 06:00:00");
  CHECK(at_time(rates, "2026-01-02 05:59:59") == "none until 2026-01-02 06:00:00");
}

TEST_CASE("of windows that are open together the lowest rate holds") {
  const RatePlan rates =
      plan({"00:00..24:00=none", "Thu 09:00-12:00=300K", "10:00-11:00=100K", "10:30-12:30=200K"});
  // 2026-01-01 is a Thursday.
  CHECK(at_time(rates, "2026-01-01 08:00:00") == "none until 2026-01-01 09:00:00");
  CHECK(at_time(rates, "2026-01-01 09:30:00") == "300000 until 2026-01-01 10:00:00");
  CHECK(at_time(rates, "2026-01-01 10:45:00") == "100000 until 2026-01-01 11:00:00");
  CHECK(at_time(rates, "2026-01-01 11:30:00") == "200000 until 2026-01-01 12:00:00");
  CHECK(at_time(rates, "2026-01-02 09:30:00") == "none until 2026-01-02 10:00:00");
}

TEST_CASE("windows follow the clocks on the wall when these are put forward and back") {
  const RatePlan rates = plan({"02:30-03:30=1M", "08:00-18:00=500K"}, "Europe/Berlin");
  // Summer time begins at 01:00 UTC on 2026-03-29: 02:30 is left out, and 03:00 comes at once.
  CHECK(at_time(rates, "2026-03-29 00:59:59") == "none until 2026-03-29 01:00:00");
  CHECK(at_time(rates, "2026-03-29 01:00:00") == "1000000 until 2026-03-29 01:30:00");
  CHECK(at_time(rates, "2026-03-28 06:59:59") == "none until 2026-03-28 07:00:00");
  CHECK(at_time(rates, "2026-03-29 06:00:00") == "500000 until 2026-03-29 16:00:00");
  // It ends at 01:00 UTC on 2026-10-25: 02:30 comes twice.
  CHECK(at_time(rates, "2026-10-25 00:30:00") == "1000000 until 2026-10-25 02:30:00");
  CHECK(at_time(rates, "2026-10-25 06:59:59") == "none until 2026-10-25 07:00:00");
  CHECK(at_time(rates, "2026-10-25 07:00:00") == "500000 until 2026-10-25 17:00:00");
}

TEST_CASE("every change of a year is announced: nothing changes before it was said to") {
  const RatePlan rates =
      plan({"3M", "Mon..Fri 08:00-18:00=1M", "23:00-02:30=none", "Sun 01:00-03:15=2M"}, "America/New_York");
  Instant time = at("2026-01-01 00:00:00");
  const Instant end = at("2027-01-01 00:00:00");
  std::size_t changes = 0;
  while (time < end) {
    const RatePlan::Current current = rates.at(time);
    REQUIRE(current.until.has_value());
    REQUIRE(*current.until > time);
    for (Instant look = time; look < std::min(*current.until, end); look += std::chrono::minutes(7))
      REQUIRE(rates.at(look).bytes_per_second == current.bytes_per_second);
    time = *current.until;
    ++changes;
  }
  CHECK(changes > 1000);
}

TEST_CASE("what is no rate says so, and where") {
  CHECK_THAT(refusal_of({"fast"}), Contains("'fast' is no rate"));
  CHECK_THAT(refusal_of({""}), Contains("is no rate"));
  CHECK_THAT(refusal_of({"2m"}), Contains("is no rate"));
  CHECK_THAT(refusal_of({"999"}), Contains("less than 1K"));
  CHECK_THAT(refusal_of({"5GiB"}), Contains("at most 4GiB"));
  CHECK_THAT(refusal_of({"25:00-26:00=2M"}), Contains("character 1"));
  CHECK_THAT(refusal_of({"08:00-18:00=lots"}), Contains("'lots' is no rate"));
  CHECK_THAT(refusal_of({"08:00-08:00=2M"}), Contains("differs"));
  CHECK_THAT(refusal_of({"=2M"}), Contains("character 1"));
  CHECK_THAT(refusal_of({"2M", "3M"}), Contains("another rate without a window"));
  CHECK(refusal_of({"2M", "08:00 .. 18:00 = 500K"}) == "taken");
}

}  // namespace
}  // namespace garner::schedule
