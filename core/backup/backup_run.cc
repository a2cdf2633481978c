#include "backup/backup_run.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "backup/attempt.h"
#include "backup/staging.h"
#include "base/error.h"
#include "base/stop_scope.h"

namespace garner::backup {

namespace {

// Returns how many went away.
std::size_t drop_those_away(std::vector<Supplier>& suppliers) {
  return std::erase_if(suppliers, [](const Supplier& supplier) {
    if (is_there(*supplier.repository)) return false;
    spdlog::warn("{} went away: what it would have supplied is read from the source", supplier.name);
    return true;
  });
}

BackupResult make_attempts(const std::vector<RunTarget>& targets, CheckpointStore& checkpoint,
                           BackupOptions options, const Clock& clock, BackupMonitor& monitor,
                           const std::stop_token& stop) {
  for (bool again = true; again;) {
    try {
      if (auto result = Attempt(targets, checkpoint, options, clock, monitor, stop).make()) return *result;
      again = false;
    } catch (const Error& error) {
      // What it gave is recorded. The run goes on without it, and reads the rest.
      if (error.kind() != ErrorKind::kDestinationAway || drop_those_away(options.suppliers) == 0) throw;
    }
  }
  // What the run took for known is gone from the repository: everything is looked up, and read where that
  // finds nothing, on the newest state.
  spdlog::info("run {}: reads the source again", options.run.text());
  checkpoint.forget();
  BackupOptions anew = options;
  anew.full_scan = true;
  anew.content_lost = true;
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (auto result = Attempt(targets, checkpoint, anew, clock, monitor, stop).make()) return *result;
    checkpoint.forget();
  }
  throw Error(ErrorKind::kConflict,
              "what this backup stores is removed from the repository again and again meanwhile");
}

void remove_root(store::Repository& repository, const Uuid& run) {
  repository.refresh();
  if (store::find_root(*repository.state(), run.view()) == nullptr) return;
  store::CommitPlan plan;
  plan.remove_roots = {run};
  repository.commit(plan);
}

}  // namespace

BackupResult run_backup(const std::vector<RunTarget>& targets, CheckpointStore& checkpoint,
                        const BackupOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop) {
  if (targets.size() > store::kMostTargets)
    throw Error(ErrorKind::kInvalidInput,
                "a backup has at most " + std::to_string(store::kMostTargets) + " destinations");
  const StopScope scope(stop);
  try {
    return make_attempts(targets, checkpoint, options, clock, monitor, stop);
  } catch (const Error& error) {
    // A destination that goes away in mid-run shows in whatever was being done to it just then.
    if (tells_of_place(error)) throw;
    store::Repository* gone = nullptr;
    for (const RunTarget& target : targets) {
      if (target.repository == nullptr) continue;
      if (is_there(*target.repository)) throw;
      if (gone == nullptr) gone = target.repository;
    }
    if (gone == nullptr) throw;
    throw went_away(*gone, error);
  }
}

BackupResult run_backup(store::Repository& repository, CheckpointStore& checkpoint,
                        const BackupOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop) {
  return run_backup({{repository.destination().describe(), &repository}}, checkpoint, options, clock, monitor,
                    std::move(stop));
}

void abandon_backup(const std::vector<store::Repository*>& repositories, CheckpointStore& checkpoint,
                    const Uuid& run, const std::string& spool_folder) {
  std::exception_ptr failure;
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  };
  for (store::Repository* repository : repositories) {
    attempt([&] { remove_root(*repository, run); });
    attempt([&] { remove_strays(staging_folder(*repository, spool_folder), run, {}); });
  }
  if (!spool_folder.empty()) attempt([&] { remove_strays(spool_folder, run, {}); });
  checkpoint.forget();
  if (failure) std::rethrow_exception(failure);
}

void abandon_backup(store::Repository& repository, CheckpointStore& checkpoint, const Uuid& run,
                    const std::string& spool_folder) {
  abandon_backup(std::vector{&repository}, checkpoint, run, spool_folder);
}

}  // namespace garner::backup
