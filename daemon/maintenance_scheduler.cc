#include "maintenance_scheduler.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "maintenance_message.h"
#include "timestamp.h"
#include "wake.h"

namespace garner::daemon {

namespace {

using catalog::MaintenanceKind;
using schedule::Instant;
using schedule::Mark;
using schedule::Reading;

constexpr std::array kKinds{MaintenanceKind::kPrune, MaintenanceKind::kCheck};
constexpr std::chrono::minutes kAwayPause{1};

const char* kind_name(MaintenanceKind kind) { return kind == MaintenanceKind::kPrune ? "prune" : "check"; }

catalog::RunKind run_kind(MaintenanceKind kind) {
  return kind == MaintenanceKind::kPrune ? catalog::RunKind::kPrune : catalog::RunKind::kCheck;
}

}  // namespace

MaintenanceScheduler::MaintenanceScheduler(Destinations& destinations, RunQueue& runs,
                                           std::chrono::seconds settling, Clocks clocks)
    : destinations_(destinations),
      runs_(runs),
      catalog_(destinations.context().catalog),
      clocks_(std::move(clocks)),
      session_(clocks_(), settling) {}

std::chrono::milliseconds MaintenanceScheduler::look() {
  const Reading now = clocks_();
  session_.notice(now);
  Wake wake;
  for (const catalog::DestinationFacts& facts : catalog_.configuration().destinations()) {
    for (const MaintenanceKind kind : kKinds) {
      try {
        look_at(facts, kind, now, wake);
      } catch (const Error& error) {
        spdlog::error("{} of destination {} by itself: {}", kind_name(kind), facts.name, error.what());
        say_waiting(facts.name, kind, error.what());
      }
    }
  }
  return pause_until(wake, now);
}

void MaintenanceScheduler::look_at(const catalog::DestinationFacts& facts, MaintenanceKind kind,
                                   const Reading& now, Wake& wake) {
  const std::optional<Mark> served = find_due(facts, kind, now, wake);
  if (!served.has_value()) return;
  // Its end is a change, after which this looks again.
  if (const auto unfinished = runs_.unfinished(run_kind(kind), facts.name))
    return say_waiting(facts.name, kind, "run " + std::to_string(*unfinished) + " to end");
  const DestinationView view = destinations_.look(facts.name);
  if (view.message.state() == v1::DESTINATION_STATE_AWAY) {
    keep_earliest(wake, now.wall + kAwayPause);
    return say_waiting(facts.name, kind, "the destination to be there");
  }
  say_waiting(facts.name, kind, "");
  if (kind == MaintenanceKind::kPrune && view.may_not_remove) {
    catalog_.maintenance().save_mark(facts.name, kind, *served);
    return;
  }
  begin(facts.name, kind, *served);
}

std::optional<Mark> MaintenanceScheduler::find_due(const catalog::DestinationFacts& facts,
                                                   MaintenanceKind kind, const Reading& now, Wake& wake) {
  const std::string& name = facts.name;
  const catalog::MaintenanceSettings settings = catalog_.maintenance().settings(name);
  if (settings.schedule(kind).empty()) {
    say_waiting(name, kind, "");
    return std::nullopt;
  }
  const schedule::Rules rules = rules_of(settings, kind, facts.repository.text());
  const catalog::MaintenanceMarks marks = catalog_.maintenance().marks(name);
  const auto kept = marks.find(kind);
  const Mark before = kept != marks.end() ? kept->second : schedule::first_mark(now);
  const Mark mark = schedule::adjusted(before, rules.schedule, now, session_.begun());
  if (mark != before || kept == marks.end()) catalog_.maintenance().save_mark(name, kind, mark);
  const schedule::Plan plan = schedule::plan(rules, mark, now, session_.settled());
  keep_earliest(wake, plan.wake);
  if (plan.due.has_value()) return schedule::mark_served(mark, *plan.due, now);
  say_waiting(name, kind, plan.waits ? "the machine to settle after its start" : "");
  return std::nullopt;
}

void MaintenanceScheduler::begin(const std::string& destination, MaintenanceKind kind, const Mark& mark) {
  StoredRequest request;
  request.destinations = {destination};
  request.by_itself = true;
  const v1::Run run = runs_.add(
      run_kind(kind), "", std::move(request),
      [&](v1::Run& report) {
        report.set_scheduled(true);
        report.add_destinations()->set_destination(destination);
      },
      [&](catalog::Database& database) {
        catalog::MaintenanceTable::write_mark(database, destination, kind, mark);
      });
  spdlog::info("run {}: by the {} schedule of destination {}", run.run_id(), kind_name(kind), destination);
}

void MaintenanceScheduler::say_waiting(const std::string& destination, MaintenanceKind kind,
                                       const std::string& reason) {
  const std::lock_guard lock(mutex_);
  std::string& told = waits_for_[{destination, kind}];
  if (!reason.empty() && told != reason)
    spdlog::info("{} of destination {} is due and waits for {}", kind_name(kind), destination, reason);
  told = reason;
}

std::string MaintenanceScheduler::waits_for(const std::string& destination, MaintenanceKind kind) {
  const std::lock_guard lock(mutex_);
  const auto found = waits_for_.find({destination, kind});
  return found != waits_for_.end() ? found->second : std::string();
}

void MaintenanceScheduler::describe(const catalog::DestinationFacts& facts, v1::MaintenanceStatus& status) {
  const Reading now = clocks_();
  const catalog::MaintenanceSettings settings = catalog_.maintenance().settings(facts.name);
  const catalog::MaintenanceMarks marks = catalog_.maintenance().marks(facts.name);
  for (const MaintenanceKind kind : kKinds) {
    if (settings.schedule(kind).empty()) continue;
    const schedule::Rules rules = rules_of(settings, kind, facts.repository.text());
    const auto kept = marks.find(kind);
    const Mark mark = schedule::adjusted(kept != marks.end() ? kept->second : schedule::first_mark(now),
                                         rules.schedule, now, session_.begun());
    const std::vector<Instant> next = schedule::next_times(rules, mark, now, 1);
    const bool prune = kind == MaintenanceKind::kPrune;
    if (!next.empty() && !(prune && status.may_not_prune())) {
      *(prune ? status.mutable_next_prune() : status.mutable_next_check()) =
          to_timestamp(schedule::to_time_point(next.front()));
    }
    (prune ? *status.mutable_prune_waits_for() : *status.mutable_check_waits_for()) =
        waits_for(facts.name, kind);
  }
}

}  // namespace garner::daemon
