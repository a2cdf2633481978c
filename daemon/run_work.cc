#include "run_work.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "backup/backup_run.h"
#include "base/error.h"
#include "base/file.h"
#include "check_rotation.h"
#include "restore/restore.h"
#include "run_hooks.h"
#include "run_monitors.h"
#include "sleep_inhibitor.h"

namespace garner::daemon {

namespace {

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

std::vector<backup::CommandSource> command_sources(const ActiveRun& run) {
  const catalog::SetCommands& commands = run.request().commands;
  std::vector<backup::CommandSource> sources;
  for (const auto& source : commands.sources) {
    sources.push_back(
        {source.name,
         {source.command.text, source.command.user, hook_variables(run, "command"), commands.source_limit}});
  }
  return sources;
}

}  // namespace

RunWork::RunWork(Destinations& destinations, const Settings& settings)
    : destinations_(destinations),
      catalog_(destinations.context().catalog),
      settings_(settings),
      source_calls_(std::make_shared<source::BoundedCalls>(settings.source_timeout)) {
  make_folders_durably(destinations.context().state_folder + "/runs", 0700);
  make_folders_durably(destinations.context().state_folder + "/spool", 0700);
}

std::string RunWork::counter_file(const ActiveRun& run) const {
  return destinations_.context().state_folder + "/runs/" + run.uuid().text() + ".read";
}

void RunWork::clean_up(const ActiveRun& run) {
  remove_file(counter_file(run));
  if (catalog_.run_hooks().find(run.number())) catalog_.run_hooks().remove(run.number());
}

void RunWork::execute(ActiveRun& run, const std::stop_token& stop) {
  run.set_held_by([this, names = run.request().destinations] { return destinations_.held_by(names); });
  switch (run.kind()) {
    case catalog::RunKind::kBackup:
      return back_up(run, stop);
    case catalog::RunKind::kRestore:
      return restore(run, stop);
    case catalog::RunKind::kCheck:
      return check(run, stop);
    case catalog::RunKind::kRepair:
      return repair(run, stop);
    case catalog::RunKind::kForget:
      return forget(run);
    case catalog::RunKind::kPrune:
      return prune(run, stop);
  }
  throw Error(ErrorKind::kInternal, "a run of an unknown kind");
}

void RunWork::back_up(ActiveRun& run, const std::stop_token& stop) {
  const StoredRequest& request = run.request();
  const std::string& destination = request.destinations.front();
  RunLog log(catalog_.run_log(), run.number(), destinations_.context().clock);
  RunHooks hooks(run, catalog_, log, [this] { return shutting_down_.load(); });
  // It may be what makes the destination be there.
  hooks.before(stop);
  const std::shared_ptr<store::Repository> repository = destinations_.open(destination);
  backup::BackupOptions options;
  options.run = run.uuid();
  options.set = request.set;
  options.commands = command_sources(run);
  options.full_scan = request.full_scan;
  options.host = destinations_.context().host;
  options.threads = settings_.threads;  // fewer, where memory is not enough for them
  options.memory_budget = settings_.memory_budget;
  options.read_counter_file = counter_file(run);
  options.spool_folder = destinations_.context().state_folder + "/spool";
  options.excluded_folders = destinations_.local_folders();
  options.excluded_folders.push_back(destinations_.context().state_folder);
  options.source_calls = source_calls_;
  options.during_commit = [] { return inhibit_sleep("A backup is being committed"); };
  const auto checkpoint = catalog_.checkpoint(run.number());
  BackupRunMonitor monitor(run, catalog_.runs(), log);
  const backup::BackupResult result =
      backup::run_backup(*repository, *checkpoint, options, destinations_.context().clock, monitor, stop);
  monitor.progressed(result.progress);
  run.count_errors(result.progress.error_count);
  run.update([&](v1::Run& report) {
    report.set_snapshot_id(result.snapshot.hex());
    report.clear_destinations();
    v1::DestinationRun& part = *report.add_destinations();
    part.set_destination(destination);
    part.set_snapshot_id(result.snapshot.hex());
    part.set_new_bytes(result.progress.counters.new_bytes);
    part.set_stored_bytes(result.progress.counters.stored_bytes);
    report.set_incomplete(result.progress.error_count > 0);
  });
  checkpoint->forget();
  const std::string trouble = hooks.after(stop);
  if (trouble.empty()) return;
  monitor.error({"after", "the command after the backup " + trouble});
  run.update([](v1::Run& report) { report.set_incomplete(true); });
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

void RunWork::abandon(ActiveRun& run) {
  if (run.kind() == catalog::RunKind::kPrune || run.kind() == catalog::RunKind::kRepair)
    return remove_copies(run);
  if (run.kind() != catalog::RunKind::kBackup) return;
  const auto checkpoint = catalog_.checkpoint(run.number());
  if (!checkpoint->load().has_value()) return;
  try {
    const std::shared_ptr<store::Repository> repository =
        destinations_.open(run.request().destinations.front());
    backup::abandon_backup(*repository, *checkpoint, run.uuid());
  } catch (...) {
    checkpoint->forget();
    throw;
  }
}

RunWork::Found RunWork::find_snapshot(const std::string& id) {
  std::string trouble;
  for (const catalog::DestinationFacts& facts : catalog_.configuration().destinations()) {
    try {
      const std::shared_ptr<store::Repository> repository = destinations_.open(facts.name);
      const auto state = repository->state();
      for (const store::v1::SnapshotEntry& entry : state->snapshots()) {
        if (to_hex(as_bytes(entry.id())) == id) return {repository, entry.snapshot()};
      }
    } catch (const Error& error) {
      trouble += std::string(trouble.empty() ? "" : "; ") + error.what();
    }
  }
  if (trouble.empty())
    throw Error(ErrorKind::kNotFound, "there is no snapshot " + id.substr(0, 8) + " any more");
  throw Error(ErrorKind::kDestinationAway,
              "snapshot " + id.substr(0, 8) + " is at no destination that is there: " + trouble);
}

void RunWork::restore(ActiveRun& run, const std::stop_token& stop) {
  const v1::StartRestoreRequest& request = run.request().restore;
  const Found found = find_snapshot(request.snapshot());
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
  const restore::RestoreProgress progress =
      restore::run_restore(*found.repository, found.snapshot, options, monitor, stop);
  monitor.progressed(progress);
  run.count_errors(progress.error_count);
  run.update([&](v1::Run& report) { report.set_incomplete(progress.error_count > 0); });
}

void RunWork::check(ActiveRun& run, const std::stop_token& stop) {
  run.update([](v1::Run& report) { report.clear_check(); });
  CheckRunMonitor monitor(run);
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
      catalog_.runs().add_error(run.number(), {destination, error.what()});
      run.add_error({destination, error.what()});
      run.update([](v1::Run& report) { report.set_incomplete(true); });
    }
  }
  run.update([&](v1::Run& report) { report.set_damage_found(report.check().problem_count() > 0); });
}

void RunWork::note_end(const ActiveRun& run) {
  const bool prune = run.kind() == catalog::RunKind::kPrune && !run.request().dry_run;
  if (!prune && run.kind() != catalog::RunKind::kCheck) return;
  const auto kind = prune ? catalog::MaintenanceKind::kPrune : catalog::MaintenanceKind::kCheck;
  for (const std::string& destination : run.request().destinations)
    catalog_.maintenance().save_last_run(destination, kind, run.number());
}

void RunWork::repair(ActiveRun& run, const std::stop_token& stop) {
  run.update([](v1::Run& report) { report.clear_check(); });
  CheckRunMonitor monitor(run);
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
  options.staging_prefix =
      (staging ? *staging : destinations_.context().state_folder + "/spool") + "/" + run.uuid().text() + "-";
  options.dry_run = run.request().dry_run;
  options.threads = threads_for(settings_, maintenance::kCheckMemoryPerThread);
  const auto siblings = destinations_.open_siblings(destination);
  for (const auto& sibling : siblings) options.suppliers.push_back(sibling.get());
  // Packs that an earlier attempt of the run was writing.
  remove_copies(run);
  monitor.finish_rescue(maintenance::run_rescue(*repository, options, monitor, stop));
}

}  // namespace garner::daemon
