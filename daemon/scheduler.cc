#include "scheduler.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "base/log_context.h"
#include "run_message.h"
#include "schedule/planner.h"
#include "schedule_edit.h"
#include "timestamp.h"
#include "wake.h"

namespace garner::daemon {

namespace {

using schedule::Duration;
using schedule::Instant;
using schedule::Mark;
using schedule::Reading;

constexpr std::chrono::seconds kConditionPause{10};
constexpr std::chrono::seconds kCommandPause{60};
constexpr std::chrono::seconds kUnfinishedPause{60};
constexpr std::size_t kTimesTold = 3;

// Destinations that the entry is for.
std::vector<std::string> destinations_of_entry(const catalog::BackupSet& set,
                                               const catalog::SetSchedule& schedule,
                                               const catalog::SetSchedule::Entry& entry) {
  if (!entry.destination.empty()) return {entry.destination};
  std::vector<std::string> names = set.destinations;
  std::erase_if(names, [&](const std::string& name) {
    return std::any_of(schedule.entries.begin(), schedule.entries.end(),
                       [&](const auto& other) { return other.destination == name; });
  });
  return names;
}

Mark mark_of(const catalog::ScheduleMarks& marks, const std::string& destination, const Reading& now) {
  const auto found = marks.find(destination);
  return found != marks.end() ? found->second : schedule::first_mark(now);
}

std::string minute_text(Instant time, const catalog::SetSchedule& schedule) {
  const schedule::Zone zone =
      schedule.zone.empty() ? schedule::Zone::of_system() : schedule::Zone::named(schedule.zone);
  return date::format("%F %R", std::chrono::floor<std::chrono::minutes>(zone.local(time)));
}

}  // namespace

Scheduler::Scheduler(Destinations& destinations, RunQueue& runs, std::chrono::seconds settling, Clocks clocks)
    : destinations_(destinations),
      runs_(runs),
      catalog_(destinations.context().catalog),
      conditions_(destinations),
      clocks_(std::move(clocks)),
      session_(clocks_(), settling) {}

std::chrono::milliseconds Scheduler::look() {
  const Reading now = clocks_();
  if (session_.notice(now)) spdlog::info("the machine has slept; scheduled runs wait until it has settled");
  const std::vector<v1::Run> active = runs_.active();
  // What went on when the daemon started did so whatever its window says.
  if (!looked_) {
    for (const v1::Run& run : active) in_window_.insert(parse_run_number(run.run_id()));
    looked_ = true;
  }
  std::optional<Instant> wake;
  for (const catalog::BackupSet& set : catalog_.configuration().sets()) {
    try {
      look_at(set, active, now, wake);
    } catch (const Error& error) {
      spdlog::error("the schedule of set {}: {}", set.definition.name(), error.what());
      say_waiting(set.definition.name(), error.what());
    }
  }
  std::erase_if(in_window_, [&](std::int64_t number) {
    return std::none_of(active.begin(), active.end(),
                        [&](const v1::Run& run) { return run.run_id() == std::to_string(number); });
  });
  return pause_until(wake, now);
}

void Scheduler::look_at(const catalog::BackupSet& set, const std::vector<v1::Run>& active, const Reading& now,
                        std::optional<Instant>& wake) {
  const std::string& name = set.definition.name();
  const std::optional<catalog::SetSchedule> schedule = catalog_.schedules().find(name);
  if (!schedule.has_value()) return;
  const auto unfinished = std::find_if(active.begin(), active.end(), [&](const v1::Run& run) {
    return run.kind() == v1::RUN_KIND_BACKUP && run.set() == name;
  });
  for (const v1::Run& run : active) {
    // A copy that somebody asked for belongs to no set.
    const bool by_itself =
        run.kind() == v1::RUN_KIND_COPY || (run.kind() == v1::RUN_KIND_BACKUP && run.scheduled());
    if (by_itself && run.set() == name) keep_to_window(*schedule, run, now, wake);
  }

  const Due due = find_due(set, *schedule, now);
  keep_earliest(wake, due.wake);
  if (due.destinations.empty()) {
    say_waiting(name, !due.waits                      ? ""
                      : now.boot < session_.settled() ? "the machine to settle after its start"
                                                      : "its window");
    return;
  }
  if (unfinished != active.end()) {
    say_waiting(name, "run " + unfinished->run_id() + " to end");
    // That is a change, after which this looks again. It can end early when it has its snapshot and is but
    // giving it to others, of which nobody tells.
    keep_earliest(wake, now.wall + kUnfinishedPause);
    const bool made = !unfinished->snapshot_id().empty();
    if (made && !conditions_.unmet(schedule->conditions, due.destinations))
      runs_.end_filling(parse_run_number(unfinished->run_id()));
    return;
  }
  const std::optional<std::string> unmet = conditions_.unmet(schedule->conditions, due.destinations);
  say_waiting(name, unmet.value_or(""));
  if (unmet.has_value()) {
    const bool commands = std::any_of(schedule->conditions.begin(), schedule->conditions.end(),
                                      [](const auto& condition) { return is_command(condition.text); });
    keep_earliest(wake, now.wall + (commands ? kCommandPause : kConditionPause));
    return;
  }
  begin(set, due);
  keep_earliest(wake, now.wall + std::chrono::seconds(1));  // when the next one comes
}

Scheduler::Due Scheduler::find_due(const catalog::BackupSet& set, const catalog::SetSchedule& schedule,
                                   const Reading& now) {
  const std::string& name = set.definition.name();
  const catalog::ScheduleMarks marks = catalog_.schedules().marks(name);
  Due due;
  for (const auto& entry : schedule.entries) {
    const schedule::Rules rules = rules_of(schedule, entry, set.definition.uuid());
    const Mark kept = mark_of(marks, entry.destination, now);
    const Mark mark = schedule::adjusted(kept, rules.schedule, now, session_.begun());
    if (mark.served != kept.served || mark.wall != kept.wall) {
      spdlog::warn("the clock was set: set {} counts its schedule from {} on", name,
                   minute_text(mark.served, schedule));
    }
    if (mark != kept || !marks.contains(entry.destination))
      catalog_.schedules().save_mark(name, entry.destination, mark);
    const schedule::Plan plan = schedule::plan(rules, mark, now, session_.settled());
    keep_earliest(due.wake, plan.wake);
    due.waits = due.waits || plan.waits;
    if (!plan.due.has_value()) continue;
    for (const std::string& destination : destinations_of_entry(set, schedule, entry))
      due.destinations.push_back(destination);
    due.marks.emplace_back(entry.destination, schedule::mark_served(mark, *plan.due, now));
  }
  return due;
}

void Scheduler::keep_to_window(const catalog::SetSchedule& schedule, const v1::Run& run, const Reading& now,
                               std::optional<Instant>& wake) {
  const schedule::Windows windows = windows_of(schedule);
  const std::int64_t number = parse_run_number(run.run_id());
  if (windows.is_open(now.wall)) {
    in_window_.insert(number);
    keep_earliest(wake, windows.next_close(now.wall));
    if (run.state() == v1::RUN_STATE_PAUSED && run.pause_reason() == v1::PAUSE_REASON_WINDOW)
      runs_.resume_in_window(number);
    return;
  }
  const Instant opens = windows.next_open(now.wall);
  keep_earliest(wake, opens);
  // Nobody asks for it: when its destination is back it is to wait for the window, too.
  const bool may_go_on = run.kind() == v1::RUN_KIND_COPY && run.state() == v1::RUN_STATE_PAUSED &&
                         run.pause_reason() != v1::PAUSE_REASON_USER;
  if (may_go_on) return;
  if (in_window_.erase(number) == 0) return;
  runs_.pause_for_window(number, "its window opens again at " + minute_text(opens, schedule));
}

void Scheduler::begin(const catalog::BackupSet& set, const Due& due) {
  const std::string& name = set.definition.name();
  StoredRequest request = backup_request(set, catalog_.commands());
  request.destinations = due.destinations;
  const v1::Run run = runs_.add(
      catalog::RunKind::kBackup, name, std::move(request),
      [](v1::Run& report) { report.set_scheduled(true); },
      [&](catalog::Database& database) {
        for (const auto& [destination, mark] : due.marks)
          catalog::ScheduleTable::write_mark(database, name, destination, mark);
      });
  in_window_.insert(parse_run_number(run.run_id()));
  const LogScope scope({parse_run_number(run.run_id()), name});
  spdlog::info("run {}: by the schedule of set {}", run.run_id(), name);
}

void Scheduler::say_waiting(const std::string& set, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  std::string& told = waits_for_[set];
  if (!reason.empty() && told != reason) spdlog::info("set {} is due and waits for {}", set, reason);
  told = reason;
}

std::optional<Scheduler::Outlook> Scheduler::outlook(const std::string& set) {
  const std::optional<catalog::SetSchedule> schedule = catalog_.schedules().find(set);
  if (!schedule.has_value()) return std::nullopt;
  const Reading now = clocks_();
  const catalog::ScheduleMarks marks = catalog_.schedules().marks(set);
  const std::optional<catalog::BackupSet> configured = catalog_.configuration().set(set);
  if (!configured.has_value()) return std::nullopt;
  Outlook result;
  for (const auto& entry : schedule->entries) {
    const schedule::Rules rules = rules_of(*schedule, entry, configured->definition.uuid());
    const Mark mark =
        schedule::adjusted(mark_of(marks, entry.destination, now), rules.schedule, now, session_.begun());
    for (const Instant time : schedule::next_times(rules, mark, now, kTimesTold)) result.next.push_back(time);
  }
  std::sort(result.next.begin(), result.next.end());
  result.next.erase(std::unique(result.next.begin(), result.next.end()), result.next.end());
  if (result.next.size() > kTimesTold) result.next.resize(kTimesTold);
  result.overdue = find_overdue(*configured, *schedule, now.wall).has_value();
  const std::lock_guard lock(mutex_);
  if (const auto found = waits_for_.find(set); found != waits_for_.end()) result.waits_for = found->second;
  return result;
}

std::optional<Scheduler::Overdue> Scheduler::find_overdue(const catalog::BackupSet& set,
                                                          const catalog::SetSchedule& schedule, Instant now) {
  if (schedule.overdue_after <= Duration(0)) return std::nullopt;
  const std::string& name = set.definition.name();
  const std::optional<TimePoint> clean = catalog_.runs().last_clean(name);
  const Instant since = clean.has_value() ? schedule::to_instant(*clean) : schedule.overdue_since;
  if (now - since > schedule.overdue_after) return Overdue{since, ""};
  const auto states = catalog_.set_destinations().find(name);
  for (const std::string& destination : set.destinations) {
    const auto found = states.find(destination);
    if (found == states.end() || !found->second.behind_since) continue;
    const Instant behind = schedule::to_instant(*found->second.behind_since);
    if (now - behind > schedule.overdue_after) return Overdue{behind, destination};
  }
  return std::nullopt;
}

std::vector<OverdueSet> Scheduler::overdue() {
  std::vector<OverdueSet> all;
  const Instant now = clocks_().wall;
  for (const catalog::BackupSet& set : catalog_.configuration().sets()) {
    const std::string& name = set.definition.name();
    const std::optional<catalog::SetSchedule> schedule = catalog_.schedules().find(name);
    if (!schedule.has_value()) continue;
    const std::optional<Overdue> found = find_overdue(set, *schedule, now);
    if (!found) continue;
    const std::string since = minute_text(found->since, *schedule);
    all.push_back({name, "Backup of " + name + " is overdue: " +
                             (found->destination.empty()
                                  ? "there has been none without errors since " + since
                                  : "destination " + found->destination + " is behind since " + since)});
  }
  return all;
}

void Scheduler::describe(v1::BackupSet& set) {
  const std::optional<Outlook> found = outlook(set.name());
  if (!found.has_value()) return;
  for (const Instant time : found->next) *set.add_next_runs() = to_timestamp(schedule::to_time_point(time));
  set.set_overdue(found->overdue);
  set.set_waits_for(found->waits_for);
}

void Scheduler::describe(v1::SetStatus& set) {
  const std::optional<Outlook> found = outlook(set.name());
  if (!found.has_value()) return;
  for (const Instant time : found->next) *set.add_next_runs() = to_timestamp(schedule::to_time_point(time));
  set.set_overdue(found->overdue);
  set.set_waits_for(found->waits_for);
}

}  // namespace garner::daemon
