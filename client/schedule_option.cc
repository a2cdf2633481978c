#include "schedule_option.h"

#include <algorithm>
#include <array>

#include "argument.h"
#include "failure.h"
#include "text.h"

namespace garner::client {
namespace {

struct Unit {
  char name;
  std::uint64_t seconds;
};

constexpr std::array kUnits{Unit{'s', 1}, Unit{'m', 60}, Unit{'h', 3600}, Unit{'d', 86400},
                            Unit{'w', 604800}};
constexpr std::size_t kMostDigits = 9;

}  // namespace

v1::ScheduleEntry parse_schedule_entry(const std::string& text) {
  v1::ScheduleEntry entry;
  check_utf8("a schedule", text);
  const std::size_t sign = text.find('=');
  if (sign == std::string::npos) {
    entry.set_schedule(text);
    return entry;
  }
  entry.set_destination(text.substr(0, sign));
  check_name("destination", entry.destination());
  entry.set_schedule(text.substr(sign + 1));
  return entry;
}

std::uint64_t parse_duration(const std::string& option, const std::string& text) {
  const auto fail = [&]() -> std::uint64_t {
    throw usage_failure(option + ": '" + printable(text) + "' is no duration",
                        "Write one like 90m, 6h, 1d12h or 2w; 0 turns it off.");
  };
  if (text == "0") return 0;
  std::uint64_t seconds = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end == at || end - at > kMostDigits || end == text.size()) return fail();
    const auto* const unit =
        std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == text[end]; });
    if (unit == kUnits.end()) return fail();
    seconds += std::stoull(text.substr(at, end - at)) * unit->seconds;
    at = end + 1;
  }
  return text.empty() ? fail() : seconds;
}

void ScheduleOptions::add_to(std::vector<Option>& options, bool edit) {
  options.push_back(
      {"--schedule",
       "S",
       "When to back up by itself: a calendar expression, a cron line or 'every 6h'; DEST=S for one "
       "destination.",
       &schedules_,
       false,
       {}});
  if (edit) options.push_back({"--no-schedule", "", "Back up only when asked to.", &no_schedule_, false, {}});
  options.push_back(
      {"--timezone",
       "ZONE",
       "The time zone of schedules and windows, like Europe/Berlin; 'system' is the system's, the "
       "default.",
       &timezone_,
       false,
       {}});
  options.push_back(
      {"--random-delay",
       "T",
       "Begin each run up to this much later, each by its own amount; 0, the default, does not.",
       &random_delay_,
       false,
       {}});
  options.push_back(
      {"--window",
       "W",
       "Run by itself only then: '22:00-06:00', 'Sat,Sun 00:00-24:00'. A run that meets the end "
       "pauses, and goes on in the next.",
       &windows_,
       false,
       {}});
  if (edit) options.push_back({"--no-window", "", "Run at any time.", &no_window_, false, {}});
  options.push_back(
      {"--when",
       "CONDITION",
       "Begin by itself only when it holds: on-ac-power, destination (a disk of the set's is plugged in), or "
       "command:CMD.",
       &conditions_,
       false,
       {}});
  if (edit) options.push_back({"--no-when", "", "Begin whatever holds.", &no_when_, false, {}});
  options.push_back({"--overdue-after",
                     "T",
                     "Show the set as overdue when its last backup without errors is older; 0, the default, "
                     "never.",
                     &overdue_after_,
                     false,
                     {}});
}

std::optional<v1::ScheduleChange> ScheduleOptions::change() const {
  check_at_most_one({{"--schedule", !schedules_.empty()}, {"--no-schedule", no_schedule_}});
  check_at_most_one({{"--window", !windows_.empty()}, {"--no-window", no_window_}});
  check_at_most_one({{"--when", !conditions_.empty()}, {"--no-when", no_when_}});
  v1::ScheduleChange change;
  for (const std::string& text : schedules_) *change.add_schedules() = parse_schedule_entry(text);
  change.set_no_schedules(no_schedule_);
  if (timezone_) {
    check_utf8("--timezone", *timezone_);
    change.set_timezone(*timezone_ == "system" ? "" : *timezone_);
  }
  if (random_delay_) change.set_random_delay_seconds(parse_duration("--random-delay", *random_delay_));
  for (const std::string& window : windows_) {
    check_utf8("--window", window);
    change.add_windows(window);
  }
  change.set_no_windows(no_window_);
  for (const std::string& condition : conditions_) {
    check_utf8("--when", condition);
    change.add_conditions(condition);
  }
  change.set_no_conditions(no_when_);
  if (overdue_after_) change.set_overdue_after_seconds(parse_duration("--overdue-after", *overdue_after_));
  if (change.ByteSizeLong() == 0) return std::nullopt;
  return change;
}

std::vector<std::string> schedule_details() {
  return {
      "A schedule S is a calendar expression as systemd.time(7) has them ('daily', 'Mon..Fri 22:30', '*-*-1 "
      "4:00', '*-*~1' for a month's last day, '*:0/20'), a cron line ('30 2 * * mon-fri'), or an interval "
      "('every 6h'). A time zone may stand behind the first two.",
      "A run that was missed while the machine was off or asleep is made up once. What clocks skip when they "
      "are put forward does not come on that day; what they show twice comes once."};
}

}  // namespace garner::client
