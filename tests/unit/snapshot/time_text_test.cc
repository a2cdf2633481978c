#include "snapshot/time_text.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <string>

namespace garner::snapshot {
namespace {

// The time zone of the process while it lives.
class TimeZone {
 public:
  explicit TimeZone(const char* zone) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    had_one_ = std::getenv("TZ") != nullptr;
    setenv("TZ", zone, 1);
    tzset();
  }
  ~TimeZone() {
    if (had_one_) {
      setenv("TZ", before_.c_str(), 1);
    } else {
      unsetenv("TZ");
    }
    tzset();
  }

 private:
  bool had_one_ = false;
  std::string before_;
};

std::int64_t seconds(const std::string& text) {
  const auto time = parse_time_text(text);
  REQUIRE(time);
  REQUIRE(time->nanos == 999'999'999);
  return time->seconds;
}

TEST_CASE("times in UTC end with the day, minute or second they name") {
  REQUIRE(seconds("1970-01-01T00:00:00Z") == 0);
  REQUIRE(seconds("1970-01-01T00:00Z") == 59);
  REQUIRE(seconds("1970-01-01Z") == 86'399);
  REQUIRE(seconds("2026-11-22T18:30:05Z") == 1'795'372'205);
  REQUIRE(seconds("2026-11-22 18:30Z") == 1'795'372'259);
  REQUIRE(seconds("1969-12-31T23:59:59Z") == -1);
  REQUIRE(seconds("2024-02-29T12:00:00Z") == 1'709'208'000);
}

TEST_CASE("local times, with and without summer time") {
  // Central European rules written out, so that no database of zones is needed.
  const TimeZone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  REQUIRE(seconds("2026-11-22T18:30:05") == 1'795'372'205 - 3600);
  REQUIRE(seconds("2026-07-01T12:00:00") == seconds("2026-07-01T10:00:00Z"));
  // The days on which the clocks change have 23 and 25 hours.
  REQUIRE(seconds("2026-03-29") - seconds("2026-03-28") == 23 * 3600);
  REQUIRE(seconds("2026-10-25") - seconds("2026-10-24") == 25 * 3600);
}

TEST_CASE("what is no time") {
  for (const char* text : {"",
                           "2026",
                           "2026-11",
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
                           "2026-11-22T18:30+01:00",
                           "2026-11-22ZZ",
                           "x2026-11-22",
                           "2026-11-22 "}) {
    INFO(text);
    REQUIRE_FALSE(parse_time_text(text));
  }
}

TEST_CASE("the time that a text begins with") {
  REQUIRE(time_prefix("2026-11-22") == 10);
  REQUIRE(time_prefix("2026-11-22:x") == 10);
  REQUIRE(time_prefix("2026-11-22Z:x") == 11);
  REQUIRE(time_prefix("2026-11-22T18:30:x") == 16);
  REQUIRE(time_prefix("2026-11-22 18:30:05Z:x") == 20);
  REQUIRE(time_prefix("2026-11-2") == 0);
  REQUIRE(time_prefix("latest") == 0);
}

}  // namespace
}  // namespace garner::snapshot
