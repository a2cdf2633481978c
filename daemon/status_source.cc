#include "status_source.h"

#include <unistd.h>

#include "run_message.h"
#include "timestamp.h"
#include "version.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::seconds kOld{5};

}  // namespace

StatusSource::StatusSource(Destinations& destinations, Sets& sets, RunQueue& runs, Scheduler& scheduler,
                           MaintenanceFacts& maintenance, const Notices& notices)
    : destinations_(destinations),
      sets_(sets),
      runs_(runs),
      scheduler_(scheduler),
      maintenance_(maintenance),
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
    part.set_snapshots(sets_.snapshots(set));
    scheduler_.describe(part);
  }
  for (const catalog::DestinationFacts& facts : catalog.configuration().destinations()) {
    v1::Destination& message = *status.add_destinations();
    message = destinations_.describe(facts, destinations_.view(facts.name));
    maintenance_.describe(message);
    if (const auto notice = MaintenanceFacts::notice(message)) status.add_notices(*notice);
  }
  for (const std::string& notice : notices_.all()) status.add_notices(notice);
  return status;
}

void StatusSource::look_again(const std::function<void(std::function<void()>)>& post,
                              std::chrono::milliseconds patience) {
  const auto now = destinations_.context().clock.steady();
  for (const auto& facts : destinations_.context().catalog.configuration().destinations()) {
    const DestinationView view = destinations_.view(facts.name);
    if (view.looked != std::chrono::steady_clock::time_point{} && now - view.looked < kOld) continue;
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
