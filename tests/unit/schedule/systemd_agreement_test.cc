// Random calendar expressions, and what the real `systemd-analyze calendar` makes of them.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>

#include "support.h"

namespace garner::schedule {
namespace {

constexpr std::size_t kBatches = 48;
constexpr std::size_t kExpressions = 25;  // a batch: all with the same zone and base time
constexpr std::size_t kTimes = 5;
constexpr unsigned kUsualSeed = 20261129;  // others, with GARNER_SEED, find what systemd gets wrong

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  int number(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
  bool one_in(int n) { return number(1, n) == 1; }

  std::string expression() {
    if (one_in(20)) {
      static const std::array words{"minutely", "hourly", "daily",        "weekly",
                                    "monthly",  "yearly", "semiannually", "quarterly"};
      return words.at(static_cast<std::size_t>(number(0, 7)));
    }
    std::string text;
    if (one_in(3)) text = weekdays();
    if (!one_in(3)) text += (text.empty() ? "" : " ") + date();
    if (text.empty() || !one_in(4)) text += (text.empty() ? "" : " ") + time();
    return text;
  }

 private:
  // A value, a list, ranges, steps, or '*'.
  std::string values(int least, int most, bool from_end = false) {
    if (one_in(3)) return "*";
    if (one_in(6)) {
      const std::string step = open_step(least, most, from_end);
      if (!step.empty()) return step;
    }
    std::string text;
    for (int count = number(1, 3); count > 0; --count) {
      if (!text.empty()) text += ',';
      const int kind = number(1, 4);
      const int value = number(least, most - 1);
      if (kind == 1 && value < most - 1) {
        const int end = number(value + 1, most);
        text += std::to_string(value) + ".." + std::to_string(end);
        if (one_in(2)) text += "/" + std::to_string(number(1, end - value));
      } else {
        text += std::to_string(value);
      }
    }
    return text;
  }

  // "5/20", by itself, and so that the step leads from one hour's (day's, year's) last value to the next
  // one's first. Where it does not, systemd 252 misses what lies between: after *:5/17 at 23:56 it gives
  // 00:22.
  std::string open_step(int least, int most, bool from_end) {
    if (from_end) return std::to_string(number(8, 14)) + "/" + std::to_string(number(1, 6));
    if (most != 59 && most != 23 && most != 12) return {};
    const int whole = most - least + 1;
    int step = number(1, whole / 2);
    while (whole % step != 0) --step;
    return std::to_string(number(least, least + step - 1)) + "/" + std::to_string(step);
  }

  std::string weekdays() {
    static const std::array names{"Mon", "Tuesday", "wed", "Thu", "FRI", "Saturday", "Sun"};
    const int first = number(0, 6);
    std::string text = names.at(static_cast<std::size_t>(first));
    if (first < 6 && one_in(2))
      text += std::string("..") + names.at(static_cast<std::size_t>(number(first + 1, 6)));
    if (one_in(3)) text += std::string(",") + names.at(static_cast<std::size_t>(number(0, 6)));
    return text;
  }

  std::string date() {
    std::string text;
    if (one_in(2)) text = (one_in(3) ? values(2020, 2060) : "*") + std::string("-");
    text += values(1, 12);
    // systemd 252 takes three off the largest day for each one of a list: 28, 25, 22.
    return one_in(4) ? text + "~" + values(1, 22, true) : text + "-" + values(1, 31);
  }

  std::string time() {
    std::string text = values(0, 23) + ":" + values(0, 59);
    if (one_in(3)) {
      text += ":" + values(0, 59);
      // Beside a repetition systemd 252 finds fractions in every minute but the first of an hour.
      if (one_in(4) && text.back() != '*' && text.find('/') == std::string::npos) text += ",7.25,8.5";
    }
    return text;
  }

  std::mt19937 random_;
};

std::string shell_quoted(const std::string& text) { return "'" + text + "'"; }

struct Output {
  bool failed = false;
  std::string text;
};

Output output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Output output;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.text.append(buffer.data(), got);
  output.failed = pclose(pipe) != 0;
  return output;
}

// Times in UTC, to the second: none for "never".
using Times = std::vector<std::string>;

std::vector<Times> read_output(const std::string& text) {
  std::istringstream output(text);
  std::vector<Times> all;
  for (std::string line; std::getline(output, line);) {
    if (line.find("Normalized form:") != std::string::npos) all.emplace_back();
    // "Next elapse: Thu 2026-01-01 21:30:00 UTC", "   (in UTC): Thu …"
    const auto has = [&](const char* label) { return line.find(label) != std::string::npos; };
    const bool time = has("Next elapse:") || has("(in UTC):") || has("Iter. #");
    if (!time || all.empty() || !line.ends_with(" UTC")) continue;
    all.back().emplace_back(std::string_view(line).substr(line.size() - 23, 19));
  }
  return all;
}

// One for each expression; nothing for one that systemd itself fails at: in zones with daylight saving it
// loops for ever in some, and says so.
std::vector<std::optional<Times>> systemd_times(const std::vector<std::string>& expressions,
                                                const std::string& zone, std::int64_t base) {
  const std::string command =
      "TZ=" + zone +
      " SYSTEMD_COLORS=0 LC_ALL=C systemd-analyze calendar --iterations=" + std::to_string(kTimes) +
      " --base-time=@" + std::to_string(base);
  std::string together = command;
  for (const std::string& expression : expressions) together += " " + shell_quoted(expression);
  std::vector<std::optional<Times>> all;
  const Output output = output_of(together + " 2>/dev/null");
  if (!output.failed) {
    for (Times& times : read_output(output.text)) all.emplace_back(std::move(times));
    return all;
  }
  for (const std::string& expression : expressions) {
    const Output single = output_of(command + " " + shell_quoted(expression) + " 2>&1");
    INFO(single.text);
    if (single.failed) {
      REQUIRE(single.text.find("Resource deadlock avoided") != std::string::npos);
      all.emplace_back();
    } else {
      all.emplace_back(read_output(single.text).at(0));
    }
  }
  return all;
}

std::vector<std::string> our_times(const std::string& expression, const std::string& zone, Instant base) {
  std::vector<std::string> all;
  try {
    for (const Instant time : Schedule::parse(expression, Zone::named(zone), base).next(base, kTimes))
      all.push_back(text_of(std::chrono::floor<std::chrono::seconds>(time)));
  } catch (const Error& error) {
    if (std::string(error.what()).find("never comes") == std::string::npos) all.emplace_back(error.what());
  }
  return all;
}

// Of a repeated local time the first instant. Which of the two systemd gives depends on what glibc's mktime()
// was asked before: with *-*~1 it is now and then the second.
void take_first_of_repeated(Times& times, const Zone& zone) {
  for (std::string& time : times) time = text_of(zone.first(zone.local(at(time))).value());
}

TEST_CASE("calendar expressions agree with systemd") {
  const char* given = std::getenv("GARNER_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : kUsualSeed;
  INFO("GARNER_SEED=" << seed);
  Generator generator(seed);
  static const std::array zones{
      "UTC",           "Europe/Berlin",    "America/New_York", "UTC",
      "Europe/London", "America/Santiago", "Australia/Sydney", "Australia/Lord_Howe"};
  std::size_t compared = 0;
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    const std::string zone = zones.at(batch % zones.size());
    // 2020 to 2045; not within a repeated hour, of which systemd says two different things.
    Instant base;
    do {
      base = at("2020-01-01 00:00:00") + std::chrono::seconds(generator.number(0, 788'000'000));
    } while (Zone::named(zone).first_local_from(base) != Zone::named(zone).local(base));
    // Now and then just before the clocks change.
    if (batch % 3 == 1) {
      const auto info = date::locate_zone(zone)->get_info(base);
      if (info.end < at("2037-01-01 00:00:00") && info.end > at("2020-01-01 00:00:00"))
        base = info.end - std::chrono::seconds(generator.number(1, 200'000));
    }
    std::vector<std::string> expressions;
    std::vector<bool> own_zones;
    for (std::size_t i = 0; i < kExpressions; ++i) {
      // In the expression or around it: the zone counts the same.
      const bool own_zone = zone == "UTC" && generator.one_in(3);
      std::string text = generator.expression();
      own_zones.push_back(own_zone);
      if (own_zone) text += " America/New_York";
      expressions.push_back(text);
    }
    auto theirs = systemd_times(expressions, zone, base.time_since_epoch().count() / 1'000'000);
    REQUIRE(theirs.size() == expressions.size());
    for (std::size_t i = 0; i < expressions.size(); ++i) {
      INFO(expressions[i] << " in " << zone << " after " << text_of(base));
      if (!theirs[i].has_value()) continue;
      take_first_of_repeated(*theirs[i], Zone::named(own_zones[i] ? "America/New_York" : zone));
      CHECK(our_times(expressions[i], zone, base) == *theirs[i]);
      ++compared;
    }
  }
  CHECK(compared >= 1000);
}

}  // namespace
}  // namespace garner::schedule
