#include "schedule/window.h"

#include "support.h"

namespace garner::schedule {
namespace {

using Catch::Matchers::Contains;

Windows windows(const std::vector<std::string>& texts, const std::string& zone = "UTC") {
  std::vector<Window> parsed;
  for (const std::string& text : texts) parsed.push_back(parse_window(text));
  return Windows(parsed, Zone::named(zone));
}

std::string refusal_of_window(const std::string& text) {
  try {
    parse_window(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST_CASE("a window is open from its beginning up to its end, over midnight too") {
  const Windows night = windows({"22:00-06:00"});
  CHECK_FALSE(night.is_open(at("2026-01-01 21:59:59")));
  CHECK(night.is_open(at("2026-01-01 22:00:00")));
  CHECK(night.is_open(at("2026-01-02 05:59:59")));
  CHECK_FALSE(night.is_open(at("2026-01-02 06:00:00")));
  CHECK(night.next_open(at("2026-01-02 06:00:00")) == at("2026-01-02 22:00:00"));
  CHECK(night.next_open(at("2026-01-02 23:00:00")) == at("2026-01-02 23:00:00"));
  CHECK(night.next_close(at("2026-01-01 23:00:00")) == at("2026-01-02 06:00:00"));
  CHECK_FALSE(night.next_close(at("2026-01-01 12:00:00")).has_value());
}

TEST_CASE("weekdays are those on which a window begins; several windows join") {
  const Windows some = windows({"Fri 22:00..06:00", "Sat,Sun 06:00-24:00"});
  // 2026-01-02 is a Friday.
  CHECK_FALSE(some.is_open(at("2026-01-02 05:00:00")));
  CHECK(some.is_open(at("2026-01-03 05:00:00")));
  CHECK(some.next_close(at("2026-01-02 23:00:00")) == at("2026-01-04 00:00:00"));
  CHECK(some.next_open(at("2026-01-05 00:00:00")) == at("2026-01-09 22:00:00"));
  CHECK_FALSE(windows({"00:00-24:00"}).next_close(at("2026-01-02 23:00:00")).has_value());
  CHECK(windows({}).is_open(at("2026-01-02 23:00:00")));
}

TEST_CASE("windows follow the clocks of their zone") {
  const Windows early = windows({"02:30-04:00"}, "Europe/Berlin");
  CHECK(early.next_open(at("2026-03-28 12:00:00")) == at("2026-03-29 01:00:00"));
  CHECK(early.next_close(at("2026-03-29 01:00:00")) == at("2026-03-29 02:00:00"));
  CHECK(early.next_open(at("2026-10-24 12:00:00")) == at("2026-10-25 00:30:00"));
}

TEST_CASE("what is no window is refused with the place") {
  CHECK_THAT(refusal_of_window(""), Contains("character 1"));
  CHECK_THAT(refusal_of_window("22:00"), Contains("character 6: '-'"));
  CHECK_THAT(refusal_of_window("22:00-22:00"), Contains("differs from its beginning"));
  CHECK_THAT(refusal_of_window("25:00-26:00"), Contains("character 1: an hour"));
  CHECK_THAT(refusal_of_window("Foo 22:00-23:00"), Contains("character 1"));
  CHECK_THAT(refusal_of_window("24:00-02:00"), Contains("begins before 24:00"));
  CHECK_THAT(refusal_of_window("22:00-06:00 x"), Contains("character 13: the end"));
}

}  // namespace
}  // namespace garner::schedule
