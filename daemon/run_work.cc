#include "run_work.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "backup/backup_run.h"
#include "base/disk_space.h"
#include "base/error.h"
#include "base/file.h"
#include "check_rotation.h"
#include "destination_runs.h"
#include "destination_settings.h"
#include "restore/restore.h"
#include "run_hooks.h"
#include "run_monitors.h"

namespace garner::daemon {

namespace {

// Where no setting says how much may wait in the spool.
constexpr std::uint64_t kLeastUsualSpool = 64u << 20;
constexpr std::uint64_t kMostUsualSpool = 1u << 30;

restore::Overwrite to_overwrite(v1::Overwrite overwrite) {
  switch (overwrite) {
    case v1::OVERWRITE_NEVER:
      return restore::Overwrite::kNever;
    case v1::OVERWRITE_OLDER:
      return restore::Overwrite::kOlder;
    case v1::OVERWRITE_ALWAYS:
      return restore::Overwrite::kAlways;
    default:
      return restore::Overwrite::kRefuse;
  }
}

}  // namespace

RunWork::RunWork(Destinations& destinations, const Settings& settings, Histories* histories)
    : destinations_(destinations),
      histories_(histories),
      catalog_(destinations.context().catalog),
      settings_(settings),
      source_calls_(std::make_shared<BoundedCalls>(settings.source_timeout)) {
  make_folders_durably(destinations.context().state_folder + "/runs", 0700);
  make_folders_durably(spool(), 0700);
}

std::string RunWork::counter_file(const ActiveRun& run) const {
  return destinations_.context().state_folder + "/runs/" + run.uuid().text() + ".read";
}

void RunWork::clean_up(const ActiveRun& run) {
  remove_file(counter_file(run));
  if (catalog_.run_hooks().find(run.number())) catalog_.run_hooks().remove(run.number());
}

void RunWork::execute(ActiveRun& run, const std::stop_token& stop) {
  run.set_live([this, number = run.number(), names = run.request().destinations](v1::Run& message) {
    message.mutable_progress()->set_held_by(destinations_.held_by(names));
    add_requests(message, destinations_.requests_of(number));
  });
  // Also of an attempt that failed: they were made.
  const std::unique_ptr<ActiveRun, std::function<void(ActiveRun*)>> counting(&run, [this](ActiveRun* ended) {
    const auto requests = destinations_.take_requests(ended->number());
    ended->update([&](v1::Run& report) { add_requests(report, requests); });
  });
  const std::vector<std::string>& destinations = run.request().destinations;
  try {
    work(run, stop);
  } catch (...) {
    for (const std::string& destination : destinations) destinations_.note_doubt(destination);
    throw;
  }
  for (const std::string& destination : destinations) {
    if (has_error(run.message(), destination)) {
      destinations_.note_doubt(destination);
    } else {
      destinations_.note_known(destination);
    }
  }
}

void RunWork::work(ActiveRun& run, const std::stop_token& stop) {
  switch (run.kind()) {
    case catalog::RunKind::kBackup:
      back_up(run, stop);
      break;
    case catalog::RunKind::kRestore:
      restore(run, stop);
      break;
    case catalog::RunKind::kCheck:
      check(run, stop);
      break;
    case catalog::RunKind::kRepair:
      repair(run, stop);
      break;
    case catalog::RunKind::kForget:
      forget(run, stop);
      break;
    case catalog::RunKind::kPrune:
      prune(run, stop);
      break;
    case catalog::RunKind::kCopy:
      copy(run, stop);
      break;
    default:
      throw Error(ErrorKind::kInternal, "a run of an unknown kind");
  }
}

void RunWork::on_failure(ActiveRun& run, catalog::RunState state) {
  if (run.kind() != catalog::RunKind::kBackup) return;
  try {
    RunLog log(catalog_.run_log(), run.number(), destinations_.context().clock);
    RunHooks(run, catalog_, log, [this] {
      return shutting_down_.load();
    }).on_failure(state == catalog::RunState::kCancelled ? "cancelled" : "failed");
  } catch (const Error& error) {
    spdlog::error("run {}: its command on failure: {}", run.number(), error.what());
  }
}

std::string RunWork::spool() const { return destinations_.spool_folder(); }

std::uint64_t RunWork::spool_limit() const {
  if (settings_.spool_limit) return *settings_.spool_limit;
  const std::optional<DiskSpace> space = disk_space(spool());
  return space ? std::clamp(space->free / 10, kLeastUsualSpool, kMostUsualSpool) : kMostUsualSpool;
}

void RunWork::clean_spool(const std::vector<Uuid>& runs) const {
  try {
    for (const std::string& name : list_names(spool())) {
      const bool is_known = std::any_of(runs.begin(), runs.end(),
                                        [&](const Uuid& run) { return name.starts_with(run.text()); });
      if (!is_known) remove_file(spool() + "/" + name);
    }
  } catch (const Error& error) {
    spdlog::warn("what an earlier daemon left in the spool stays there: {}", error.what());
  }
}

void RunWork::remove_spooled(const ActiveRun& run) const {
  for (const std::string& name : list_names(spool())) {
    if (name.starts_with(run.uuid().text())) remove_file(spool() + "/" + name);
  }
}

void RunWork::abandon(ActiveRun& run) {
  // What is here goes in any case, also when the destination is away.
  remove_spooled(run);
  if (run.kind() == catalog::RunKind::kPrune || run.kind() == catalog::RunKind::kRepair)
    return remove_copies(run);
  if (run.kind() != catalog::RunKind::kBackup && run.kind() != catalog::RunKind::kCopy) return;
  const auto checkpoint = catalog_.checkpoint(run.number());
  const bool has_checkpoint = checkpoint->load().has_value();
  const v1::Run report = run.message();
  // A backup that has its snapshot may be between the feed and a fill, and have a root where it left the
  // feed.
  if (!has_checkpoint && (run.kind() != catalog::RunKind::kBackup || report.snapshot_id().empty())) return;
  // One that is away keeps nobody from taking back what is at the others.
  std::exception_ptr failure;
  for (const std::string& destination : run.request().destinations) {
    if (!has_checkpoint && is_done(report, destination)) continue;
    try {
      backup::abandon_backup(*destinations_.open(destination), *checkpoint, run.uuid(), spool());
    } catch (const std::exception& error) {
      spdlog::info("run {}: nothing is taken back at {}: {}", run.number(), destination, error.what());
      // Without a checkpoint it is likely that nothing is there.
      if (!failure && has_checkpoint) failure = std::current_exception();
    }
  }
  checkpoint->forget();
  if (failure) std::rethrow_exception(failure);
}

// From the nearest destination that has the snapshot; when that goes away, from the next one.
void RunWork::restore(ActiveRun& run, const std::stop_token& stop) {
  const v1::StartRestoreRequest& request = run.request().restore;
  restore::RestoreOptions options;
  options.path = request.path();
  options.target = request.target();
  options.overwrite = to_overwrite(request.overwrite());
  options.resuming = run.request().resuming || run.row().attempts > 1;
  options.dry_run = request.dry_run();
  // A quarter for references to content, the rest for frames that are read.
  options.memory_budget = std::min(options.memory_budget, settings_.memory_budget / 4);
  options.threads = threads_for(settings_, restore::kMemoryPerThread, settings_.memory_budget / 4);
  RestoreRunMonitor monitor(run, catalog_.runs());
  const auto id = crypto::BlobId::from_bytes(from_hex(request.snapshot()));
  std::string trouble;
  for (const catalog::DestinationFacts& facts : destinations_.nearest_first()) {
    bool begun = false;
    try {
      const std::shared_ptr<store::Repository> repository = destinations_.open(facts.name);
      const auto state = repository->state();
      const store::v1::SnapshotEntry* entry = store::find_snapshot(*state, id.view());
      if (entry == nullptr) continue;
      begun = true;
      const restore::RestoreProgress progress =
          restore::run_restore(*repository, entry->snapshot(), options, monitor, stop);
      monitor.progressed(progress);
      run.count_errors(progress.error_count);
      run.update([&](v1::Run& report) { report.set_incomplete(progress.error_count > 0); });
      return;
    } catch (const Error& error) {
      const bool stopped = error.kind() == ErrorKind::kCancelled;
      if (stopped || (begun && error.kind() != ErrorKind::kDestinationAway)) throw;
      spdlog::info("run {}: nothing is read from {}: {}", run.number(), facts.name, error.what());
      trouble += std::string(trouble.empty() ? "" : "; ") + error.what();
    }
    // It has looked at the target, and what it has written there is right, and stays.
    options.resuming = options.resuming || begun;
  }
  const std::string shown = "snapshot " + request.snapshot().substr(0, 8);
  if (trouble.empty()) throw Error(ErrorKind::kNotFound, "there is no " + shown + " any more");
  throw Error(ErrorKind::kDestinationAway, shown + " is at no destination that is there: " + trouble);
}

void RunWork::check(ActiveRun& run, const std::stop_token& stop) {
  run.update([](v1::Run& report) { report.clear_check(); });
  LostFolders folders(destinations_, histories_, [&stop] { return stop.stop_requested(); });
  CheckRunMonitor monitor(run, folders);
  const bool only_one = run.request().destinations.size() == 1;
  for (const std::string& destination : run.request().destinations) {
    try {
      const std::shared_ptr<store::Repository> repository = destinations_.open(destination);
      CheckRotation rotation(catalog_, destination, destinations_.context().clock);
      maintenance::CheckOptions options;
      options.read_data_percent = run.request().read_data_percent;
      if (run.request().by_itself) {
        options.choose = [&](const std::vector<maintenance::PackSize>& there) {
          return rotation.choose(there, run.row().queued);
        };
      }
      options.threads = threads_for(settings_, maintenance::kCheckMemoryPerThread);
      const RotationScope scope(monitor, rotation);
      monitor.finish_part(maintenance::run_check(*repository, options, monitor, stop));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kForked) {
        monitor.problem(error.what());
        continue;
      }
      if (only_one || error.kind() == ErrorKind::kCancelled) throw;
      note_failure(run, destination, error);
    }
  }
  run.update([&](v1::Run& report) { report.set_damage_found(report.check().problem_count() > 0); });
}

void RunWork::note_failure(ActiveRun& run, const std::string& destination, const Error& error) {
  spdlog::warn("run {}: {}: {}", run.number(), destination, error.what());
  catalog_.runs().add_error(run.number(), {destination, error.what()});
  run.add_error({destination, error.what()});
  run.update([](v1::Run& report) { report.set_incomplete(true); });
}

void RunWork::note_end(catalog::Database& database, const ActiveRun& run) {
  const bool prune = run.kind() == catalog::RunKind::kPrune && !run.request().dry_run;
  if (!prune && run.kind() != catalog::RunKind::kCheck) return;
  const auto kind = prune ? catalog::MaintenanceKind::kPrune : catalog::MaintenanceKind::kCheck;
  for (const std::string& destination : run.request().destinations)
    catalog::MaintenanceTable::write_last_run(database, destination, kind, run.number());
}

void RunWork::repair(ActiveRun& run, const std::stop_token& stop) {
  run.update([](v1::Run& report) { report.clear_check(); });
  LostFolders folders(destinations_, histories_, [&stop] { return stop.stop_requested(); });
  CheckRunMonitor monitor(run, folders);
  for (const std::string& destination : run.request().destinations) {
    if (!run.request().dry_run && destinations_.heal_header(destination))
      spdlog::warn("run {}: the header of destination {} was lost and is put back", run.number(),
                   destination);
    maintenance::RepairResult result;
    {
      const std::shared_ptr<store::Repository> repository = destinations_.open_for_repair(destination);
      result = maintenance::run_repair(*repository, run.request().dry_run, monitor, stop);
    }
    monitor.finish_repair(result);
    if (!result.needed) {
      spdlog::info("run {}: the log of destination {} is in order", run.number(), destination);
      rescue(run, destination, monitor, stop);
    }
    destinations_.look(destination);
  }
}

void RunWork::rescue(ActiveRun& run, const std::string& destination, CheckRunMonitor& monitor,
                     const std::stop_token& stop) {
  const std::shared_ptr<store::Repository> repository = destinations_.open(destination);
  const auto staging = repository->destination().staging_folder();
  maintenance::RescueOptions options;
  options.staging_prefix = (staging ? *staging : spool()) + "/" + run.uuid().text() + "-";
  options.dry_run = run.request().dry_run;
  options.threads = threads_for(settings_, maintenance::kCheckMemoryPerThread);
  const auto siblings = destinations_.open_siblings(destination);
  // What this machine has kept of it, then others.
  const std::unique_ptr<store::BlobSource> kept = repository->kept();
  if (kept) options.suppliers.push_back(kept.get());
  for (const auto& sibling : siblings) options.suppliers.push_back(sibling.get());
  // Packs that an earlier attempt of the run was writing.
  remove_copies(run);
  monitor.finish_rescue(maintenance::run_rescue(*repository, options, monitor, stop));
}

}  // namespace garner::daemon
