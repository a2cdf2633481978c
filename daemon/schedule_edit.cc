#include "schedule_edit.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "conditions.h"

namespace garner::daemon {

namespace {

constexpr std::uint64_t kMostRandomDelay = 30ull * 24 * 3600;  // seconds
constexpr std::uint64_t kLeastOverdue = 60;                    // seconds
constexpr std::uint64_t kMostOverdue = 3650ull * 24 * 3600;    // seconds
constexpr int kMostRules = 100;

schedule::Zone schedule_zone(const catalog::SetSchedule& schedule) {
  return schedule.zone.empty() ? schedule::Zone::of_system() : schedule::Zone::named(schedule.zone);
}

void check_amount(std::uint64_t seconds, std::uint64_t least, std::uint64_t most, const std::string& what) {
  if (seconds == 0 || (seconds >= least && seconds <= most)) return;
  throw Error(ErrorKind::kInvalidInput, what);
}

void set_entries(catalog::SetSchedule& schedule, const v1::ScheduleChange& change,
                 const ScheduleContext& context) {
  std::vector<catalog::SetSchedule::Entry> entries;
  for (const v1::ScheduleEntry& asked : change.schedules()) {
    catalog::SetSchedule::Entry entry{asked.destination(), asked.schedule(), context.now.wall};
    const auto same = [&](const auto& other) { return other.destination == entry.destination; };
    if (std::any_of(entries.begin(), entries.end(), same)) {
      throw Error(ErrorKind::kInvalidInput,
                  entry.destination.empty() ? "two schedules for one set: give one, or one a destination"
                                            : "two schedules for destination '" + entry.destination + "'");
    }
    // What is said again counts on from where it was.
    const auto known = std::find_if(schedule.entries.begin(), schedule.entries.end(), same);
    if (known != schedule.entries.end() && known->text == entry.text) entry.anchor = known->anchor;
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.destination < b.destination; });
  schedule.entries = std::move(entries);
}

// Everything at once, for what was valid before may not be with the rest as it is now.
void check_whole(const catalog::SetSchedule& schedule, const catalog::SetSchedule& old,
                 const std::vector<std::string>& destinations, const ScheduleContext& context) {
  schedule_zone(schedule);
  windows_of(schedule);
  for (const auto& condition : schedule.conditions) check_condition(condition.text);
  for (const auto& entry : schedule.entries) {
    if (!entry.destination.empty() &&
        std::find(destinations.begin(), destinations.end(), entry.destination) == destinations.end()) {
      throw Error(ErrorKind::kInvalidInput, "there is a schedule for '" + printable(entry.destination) +
                                                "', which is no destination of the set");
    }
    const schedule::Rules rules = rules_of(schedule, entry, "");
    // One that has come to its end is no reason to refuse another change.
    const bool stays = std::find(old.entries.begin(), old.entries.end(), entry) != old.entries.end();
    if (!stays && !rules.schedule.next(context.now.wall)) {
      throw Error(ErrorKind::kInvalidInput,
                  "'" + printable(entry.text) + "' never comes again: its last time has passed");
    }
  }
}

}  // namespace

schedule::Windows windows_of(const catalog::SetSchedule& schedule) {
  std::vector<schedule::Window> windows;
  for (const std::string& text : schedule.windows) windows.push_back(schedule::parse_window(text));
  return schedule::Windows(std::move(windows), schedule_zone(schedule));
}

schedule::Rules rules_of(const catalog::SetSchedule& schedule, const catalog::SetSchedule::Entry& entry,
                         const std::string& set_uuid) {
  return {schedule::Schedule::parse(entry.text, schedule_zone(schedule), entry.anchor), windows_of(schedule),
          schedule.random_delay, set_uuid + entry.destination};
}

catalog::SetSchedule edited(const catalog::SetSchedule& old, const v1::ScheduleChange& change,
                            const std::vector<std::string>& destinations, const ScheduleContext& context) {
  catalog::SetSchedule result = old;
  if (change.schedules_size() > kMostRules || change.windows_size() > kMostRules ||
      change.conditions_size() > kMostRules) {
    throw Error(ErrorKind::kInvalidInput, "more than 100 schedules, windows or conditions for one set");
  }
  if (change.no_schedules()) result.entries.clear();
  if (!change.schedules().empty()) set_entries(result, change, context);
  if (change.has_timezone()) result.zone = change.timezone();
  if (change.has_random_delay_seconds()) {
    check_amount(change.random_delay_seconds(), 1, kMostRandomDelay, "a random delay is at most 30 days");
    result.random_delay = std::chrono::seconds(change.random_delay_seconds());
  }
  if (change.no_windows()) result.windows.clear();
  if (!change.windows().empty()) result.windows.assign(change.windows().begin(), change.windows().end());
  if (change.no_conditions()) result.conditions.clear();
  if (!change.conditions().empty()) {
    result.conditions.clear();
    for (const std::string& text : change.conditions()) result.conditions.push_back({text, context.user});
  }
  if (change.has_overdue_after_seconds()) {
    check_amount(change.overdue_after_seconds(), kLeastOverdue, kMostOverdue,
                 "a set is overdue after a minute to ten years");
    result.overdue_after = std::chrono::seconds(change.overdue_after_seconds());
    result.overdue_since = context.now.wall;
  }
  check_whole(result, old, destinations, context);
  return result;
}

v1::SetSchedule to_message(const catalog::SetSchedule& schedule) {
  v1::SetSchedule message;
  const auto seconds = [](schedule::Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(duration).count());
  };
  for (const auto& entry : schedule.entries) {
    v1::ScheduleEntry& added = *message.add_schedules();
    added.set_destination(entry.destination);
    added.set_schedule(entry.text);
  }
  message.set_timezone(schedule.zone);
  message.set_random_delay_seconds(seconds(schedule.random_delay));
  for (const std::string& window : schedule.windows) message.add_windows(window);
  for (const auto& condition : schedule.conditions) message.add_conditions(condition.text);
  message.set_overdue_after_seconds(seconds(schedule.overdue_after));
  return message;
}

}  // namespace garner::daemon
