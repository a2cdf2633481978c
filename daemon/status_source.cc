#include "status_source.h"

#include <unistd.h>

#include <algorithm>

#include "run_message.h"
#include "timestamp.h"
#include "version.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::seconds kOld{5};
// How much longer than its period a check may take to come: a third, but at least this.
constexpr std::int64_t kCheckSlack = 10ll * 24 * 3600;  // seconds

}  // namespace

StatusSource::StatusSource(Destinations& destinations, Sets& sets, RunQueue& runs, Scheduler& scheduler,
                           MaintenanceFacts& maintenance, CheckHistory& checks, const Notices& notices)
    : destinations_(destinations),
      sets_(sets),
      runs_(runs),
      scheduler_(scheduler),
      maintenance_(maintenance),
      checks_(checks),
      notices_(notices),
      started_(destinations.context().clock.now()) {}

v1::Status StatusSource::status() {
  catalog::Catalog& catalog = destinations_.context().catalog;
  v1::Status status;
  status.set_version(kVersion);
  status.set_pid(getpid());
  *status.mutable_started() = to_timestamp(started_);
  status.set_state_folder(printable(destinations_.context().state_folder));
  for (v1::Run& run : runs_.active()) *status.add_active_runs() = std::move(run);
  for (const catalog::BackupSet& set : catalog.configuration().sets()) {
    const std::string& name = set.definition.name();
    v1::SetStatus& part = *status.add_sets();
    part.set_name(name);
    if (const auto last = catalog.runs().last_of_set(name)) *part.mutable_last_run() = to_message(*last);
    if (const auto clean = catalog.runs().last_clean(name)) *part.mutable_last_clean() = to_timestamp(*clean);
    if (const auto ended = catalog.runs().last_ended(name)) *part.mutable_last_ended() = to_message(*ended);
    part.set_snapshots(sets_.snapshots(set));
    sets_.describe_destinations(set, part);
    scheduler_.describe(part);
  }
  add_destinations(status);
  for (const std::string& notice : notices_.all()) status.add_notices(notice);
  add_notifications(status);
  return status;
}

void StatusSource::add_destinations(v1::Status& status) {
  catalog::Catalog& catalog = destinations_.context().catalog;
  const std::map<std::string, CheckFacts> checks = checks_.all();
  const std::int64_t now = destinations_.context().clock.now().seconds;
  const std::int64_t first = catalog.runs().first_queued().value_or(started_).seconds;
  for (const catalog::DestinationFacts& facts : catalog.configuration().destinations()) {
    v1::Destination& one = *status.add_destinations();
    one = destinations_.describe(facts, destinations_.view(facts.name));
    const auto found = checks.find(facts.name);
    const CheckFacts check = found != checks.end() ? found->second : CheckFacts{};
    if (check.last_check) *one.mutable_last_check() = to_timestamp(*check.last_check);
    one.set_damage_run(check.damage_run);
    maintenance_.describe(one);
    const auto period = static_cast<std::int64_t>(one.maintenance().settings().check_period_seconds());
    const std::int64_t since = now - (check.last_check ? check.last_check->seconds : first);
    one.set_check_overdue(since > period + std::max(period / 3, kCheckSlack));
    // A later run that read no data does not make a damaged pack whole.
    if (one.maintenance().damage_found() && one.damage_run().empty())
      one.set_damage_run(one.maintenance().last_check().run_id());
    if (const auto notice = MaintenanceFacts::notice(one)) status.add_notices(*notice);
  }
}

void StatusSource::add_notifications(v1::Status& status) {
  catalog::Catalog& catalog = destinations_.context().catalog;
  for (const catalog::Notification& one : catalog.notifications().all()) {
    const catalog::DeliveryState state = catalog.deliveries().state(one.name);
    if (state.last_error.empty()) continue;
    status.add_undelivered(one.name);
    std::string notice = "Notification " + one.name + " could not be delivered";
    if (state.waiting > 0) notice += "; " + std::to_string(state.waiting) + " wait";
    if (state.given_up > 0) notice += "; " + std::to_string(state.given_up) + " were given up";
    status.add_notices(notice + ": " + state.last_error);
  }
}

void StatusSource::look_again(const std::function<void(std::function<void()>)>& post,
                              std::chrono::milliseconds patience) {
  const auto now = destinations_.context().clock.steady();
  for (const auto& facts : destinations_.context().catalog.configuration().destinations()) {
    const DestinationView view = destinations_.view(facts.name);
    const bool was_ready = view.message.state() == v1::DESTINATION_STATE_READY;
    const auto of_server = was_ready ? Destinations::kShownOfServer : Destinations::kGoodOfServer;
    const auto old = facts.url.starts_with('/') ? kOld : of_server;
    if (view.looked != std::chrono::steady_clock::time_point{} && now - view.looked < old) continue;
    {
      const std::lock_guard lock(looking_->mutex);
      if (!looking_->names.insert(facts.name).second) continue;
    }
    post([&destinations = destinations_, looking = looking_, name = facts.name] {
      destinations.look(name);
      const std::lock_guard lock(looking->mutex);
      looking->names.erase(name);
      looking->done.notify_all();
    });
  }
  std::unique_lock lock(looking_->mutex);
  looking_->done.wait_for(lock, patience, [this] { return looking_->names.empty(); });
}

}  // namespace garner::daemon
