// What runs do: one attempt of a backup, restore, check, repair, forget or prune, on the thread that calls.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>

#include "active_run.h"
#include "destinations.h"
#include "run_monitors.h"
#include "settings.h"
#include "source/bounded_calls.h"

namespace garner::daemon {

// Any thread.
class RunWork {
 public:
  RunWork(Destinations& destinations, const Settings& settings);

  // Returns when the run is done; what it achieved is in its report. Errors as the engine's: kCancelled after
  // `stop`, kDestinationAway, kDestinationFull, and others.
  void execute(ActiveRun& run, const std::stop_token& stop);
  // Takes back what an unfinished backup left at its destination and here. Errors of the destination; what is
  // here is gone then, too.
  void abandon(ActiveRun& run);
  // After that: the command of its set for a run that ends in this state without being done. Does not throw.
  void on_failure(ActiveRun& run, catalog::RunState state);
  // The daemon ends: commands are ended, and none begins that would not be begun again by its next start.
  void shut_down() { shutting_down_ = true; }
  // What is to run after a run that has finished: a forget after the backup of a set that has a retention.
  std::optional<StoredRequest> follow_up(const ActiveRun& run);
  // After a run has finished or failed: it is its destinations' last prune or check.
  void note_end(const ActiveRun& run);
  // After a run is over: its counters' file, and how far its commands had come.
  void clean_up(const ActiveRun& run);

 private:
  void back_up(ActiveRun& run, const std::stop_token& stop);
  void restore(ActiveRun& run, const std::stop_token& stop);
  void check(ActiveRun& run, const std::stop_token& stop);
  void repair(ActiveRun& run, const std::stop_token& stop);
  void rescue(ActiveRun& run, const std::string& destination, CheckRunMonitor& monitor,
              const std::stop_token& stop);
  // retention_work.cc
  void forget(ActiveRun& run);
  void prune(ActiveRun& run, const std::stop_token& stop);
  // Packs that a prune was writing and has not published.
  void remove_copies(const ActiveRun& run);
  // The repository that holds the snapshot, and the snapshot.
  struct Found {
    std::shared_ptr<store::Repository> repository;
    store::v1::Snapshot snapshot;
  };
  Found find_snapshot(const std::string& id);
  std::string counter_file(const ActiveRun& run) const;

  Destinations& destinations_;
  catalog::Catalog& catalog_;
  const Settings settings_;
  // Of all runs: what hangs in one would hang in the next.
  const std::shared_ptr<source::BoundedCalls> source_calls_;
  std::atomic<bool> shutting_down_ = false;
};

}  // namespace garner::daemon
