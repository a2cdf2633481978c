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
    std::string text;
    for (int count = number(1, 3); count > 0; --count) {
      if (!text.empty()) text += ',';
      const int kind = number(1, 4);
      const int value = number(least, most - 1);
      if (kind == 1 && value < most - 1) {
        const int end = number(value + 1, most);
        text += std::to_string(value) + ".." + std::to_string(end);
        if (one_in(2)) text += "/" + std::to_string(number(1, end - value));
      } else if (kind == 2 && (from_end ? value > least : value < most)) {
        text +=
            std::to_string(value) + "/" + std::to_string(number(1, from_end ? value - least : most - value));
      } else {
        text += std::to_string(value);
      }
    }
    return text;
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
    return one_in(4) ? text + "~" + values(1, 28, true) : text + "-" + values(1, 31);
  }

  std::string time() {
    std::string text = values(0, 23) + ":" + values(0, 59);
    if (one_in(3)) {
      text += ":" + values(0, 59);
      if (one_in(4) && text.back() != '*') text += ",7.25,8.5";
    }
    return text;
  }

  std::mt19937 random_;
};

std::string shell_quoted(const std::string& text) { return "'" + text + "'"; }

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), got);
  const int status = pclose(pipe);
  INFO(command << "\n" << output);
  REQUIRE(status == 0);
  return output;
}

// For each expression the times in UTC, to the second: none for "never".
std::vector<std::vector<std::string>> systemd_times(const std::vector<std::string>& expressions,
                                                    const std::string& zone, std::int64_t base) {
  std::string command = "TZ=" + zone + " SYSTEMD_COLORS=0 LC_ALL=C systemd-analyze calendar --iterations=" +
                        std::to_string(kTimes) + " --base-time=@" + std::to_string(base);
  for (const std::string& expression : expressions) command += " " + shell_quoted(expression);
  std::istringstream output(output_of(command + " 2>&1"));
  std::vector<std::vector<std::string>> all;
  for (std::string line; std::getline(output, line);) {
    if (line.find("Normalized form:") != std::string::npos) all.emplace_back();
    // "Next elapse: Thu 2026-01-01 21:30:00 UTC", "   (in UTC): Thu …"
    if (!line.ends_with(" UTC")) continue;
    const bool time = line.find("Next elapse:") != std::string::npos ||
                      line.find("(in UTC):") != std::string::npos ||
                      line.find("Iter. #") != std::string::npos;
    REQUIRE(time == !all.empty());
    if (time) all.back().push_back(line.substr(line.size() - 23, 19));
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

TEST_CASE("calendar expressions agree with systemd") {
  const char* given = std::getenv("GARNER_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  INFO("GARNER_SEED=" << seed);
  Generator generator(seed);
  static const std::array zones{
      "UTC",           "Europe/Berlin",    "America/New_York", "Australia/Sydney",
      "Europe/Dublin", "America/Santiago", "Asia/Kolkata",     "Australia/Lord_Howe"};
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
    for (std::size_t i = 0; i < kExpressions; ++i) {
      std::string text = generator.expression();
      // In the expression or around it: the zone counts the same.
      if (zone == std::string("UTC") && generator.one_in(3)) text += " America/New_York";
      expressions.push_back(text);
    }
    const auto theirs = systemd_times(expressions, zone, base.time_since_epoch().count() / 1'000'000);
    REQUIRE(theirs.size() == expressions.size());
    for (std::size_t i = 0; i < expressions.size(); ++i) {
      INFO(expressions[i] << " in " << zone << " after " << text_of(base));
      CHECK(our_times(expressions[i], zone, base) == theirs[i]);
      ++compared;
    }
  }
  CHECK(compared >= 1000);
}

}  // namespace
}  // namespace garner::schedule
