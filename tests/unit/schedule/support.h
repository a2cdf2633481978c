// What the tests of schedules write and read times with.
#pragma once

#include <catch2/catch.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "schedule/schedule.h"

namespace garner::schedule {

// "2026-03-29 01:30:00" in UTC.
inline Instant at(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  REQUIRE(std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%d", &year, &month, &day, &hour, &minute, &second) == 6);
  return date::sys_days(date::year(year) / date::month(month) / date::day(day)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

inline std::string text_of(Instant time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return time == seconds ? date::format("%F %T", seconds) : date::format("%F %T", time);
}

inline Schedule parse(const std::string& text, const std::string& zone = "UTC") {
  return Schedule::parse(text, Zone::named(zone), at("2026-01-01 00:00:00"));
}

// The next `count` times in UTC.
inline std::vector<std::string> times(const std::string& text, const std::string& after, std::size_t count,
                                      const std::string& zone = "UTC") {
  std::vector<std::string> found;
  for (const Instant time : parse(text, zone).next(at(after), count)) found.push_back(text_of(time));
  return found;
}

inline std::string refusal(const std::string& text, const std::string& zone = "UTC") {
  try {
    parse(text, zone);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    return error.what();
  }
  return "taken";
}

}  // namespace garner::schedule
