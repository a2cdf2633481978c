// What runs do: one attempt of a backup, copy, restore, check, repair, forget or prune, on the thread that
// calls.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "active_run.h"
#include "backup/checkpoint.h"
#include "base/bounded_calls.h"
#include "base/error.h"
#include "destinations.h"
#include "histories.h"
#include "maintenance/retention.h"
#include "run_monitors.h"
#include "settings.h"

namespace garner::daemon {

// Any thread.
class RunWork {
 public:
  // `histories`: by which a forget tells how much it gives back, and a check what was in a folder that is
  // lost; may be null. All outlive it.
  RunWork(Destinations& destinations, const Settings& settings, Histories* histories = nullptr);

  // Returns when the run is done; what it achieved is in its report. Errors as the engine's: kCancelled after
  // `stop`, kDestinationAway, kDestinationFull, kStateFull, and others.
  void execute(ActiveRun& run, const std::stop_token& stop);
  // Takes back what an unfinished backup left at its destinations and here. The first error of a destination,
  // after the others; what is here is gone then, too.
  void abandon(ActiveRun& run);
  // After that: the command of its set for a run that ends in this state without being done. Does not throw.
  void on_failure(ActiveRun& run, catalog::RunState state);
  // The daemon ends: commands are ended, and none begins that would not be begun again by its next start.
  void shut_down() { shutting_down_ = true; }
  // What is to run after a run that has finished: a forget after the backup of a set that has a retention,
  // where its snapshot is, and after a copy to one that was behind.
  std::optional<StoredRequest> follow_up(const ActiveRun& run);
  // The copies that do the rest of a backup which has made way while it filled others.
  std::vector<StoredRequest> copies_after(const ActiveRun& run);
  // Within the change after which a run has finished or failed: it is its destinations' last prune or check.
  static void note_end(catalog::Database& database, const ActiveRun& run);
  // At the start: files of the spool that belong to none of these runs, which a lost catalog has left.
  void clean_spool(const std::vector<Uuid>& runs) const;
  // After a run is over: its counters' file, and how far its commands had come.
  void clean_up(const ActiveRun& run);

 private:
  // A destination of a run.
  struct Opened {
    std::string name;
    std::shared_ptr<store::Repository> repository;  // null: it is not there
    unsigned number = 0;                            // in the run's request
  };

  void work(ActiveRun& run, const std::stop_token& stop);

  // backup_work.cc
  void back_up(ActiveRun& run, const std::stop_token& stop);
  std::vector<Opened> open_places(ActiveRun& run);
  std::vector<Opened> open_suppliers(const ActiveRun& run);
  void feed(ActiveRun& run, const std::vector<Opened>& places, backup::CheckpointStore& checkpoint,
            RunLog& log, const std::stop_token& stop);
  void note_made(ActiveRun& run, const std::vector<Opened>& places, const backup::BackupResult& result);
  std::optional<store::v1::SnapshotEntry> find_made(const ActiveRun& run,
                                                    const std::vector<Opened>& places) const;
  void fill_others(ActiveRun& run, const std::vector<Opened>& places, const store::v1::SnapshotEntry& made,
                   backup::CheckpointStore& checkpoint, const std::stop_token& stop);
  void leave_to_copies(ActiveRun& run, std::vector<Opened>& lacking);
  void leave_behind(ActiveRun& run, const std::string& destination, const std::string& reason);
  void note_behind(ActiveRun& run, const std::string& destination, const std::string& reason);
  void remove_staged(const ActiveRun& run, store::Repository& repository) const;
  // copy_work.cc
  void copy(ActiveRun& run, const std::stop_token& stop);
  bool is_wanted(const StoredRequest& request);
  // Ends a copy that is not wanted any more.
  void drop(ActiveRun& run);
  struct Found {
    store::v1::SnapshotEntry entry;
    std::vector<Opened> suppliers;
    bool is_newest = false;  // of the set, for certain
  };
  // The snapshot that is to be copied, and who has it, the nearest first.
  Found find_wanted(const ActiveRun& run, const Opened& target);
  // Gives the target a snapshot, and puts what comes of it into the run's report. Returns it as it is there:
  // with another id where no supplier has the target's keys and sizes of chunks.
  store::v1::SnapshotEntry fill(ActiveRun& run, const Opened& target, const store::v1::SnapshotEntry& entry,
                                const std::vector<Opened>& suppliers, backup::CheckpointStore& checkpoint,
                                const std::stop_token& stop);
  bool is_newest_known(const std::string& set, const store::v1::SnapshotEntry& entry);
  // Notes that the destination has the snapshot: in the report, and as what its set was given last unless a
  // newer one is known, or `is_newest` says that there is none.
  void note_done(ActiveRun& run, const std::string& destination, const store::v1::SnapshotEntry& entry,
                 bool is_newest = false);
  void restore(ActiveRun& run, const std::stop_token& stop);
  void check(ActiveRun& run, const std::stop_token& stop);
  void repair(ActiveRun& run, const std::stop_token& stop);
  void rescue(ActiveRun& run, const std::string& destination, CheckRunMonitor& monitor,
              const std::stop_token& stop);
  // Of a run that goes on with its other destinations.
  void note_failure(ActiveRun& run, const std::string& destination, const Error& error);
  // retention_work.cc
  void forget(ActiveRun& run, const std::stop_token& stop);
  // Returns how many bytes of content only what is forgotten held there, if that is known and asked for.
  std::optional<std::uint64_t> forget_at(const std::string& destination, const StoredRequest& request,
                                         const maintenance::RetentionPolicy& policy,
                                         const std::stop_token& stop, v1::ForgetResult& result);
  void prune(ActiveRun& run, const std::stop_token& stop);
  // Packs that a prune was writing and has not published.
  void remove_copies(const ActiveRun& run);
  std::string counter_file(const ActiveRun& run) const;
  // Where packs are made for destinations that are not of this machine.
  std::string spool() const;
  std::uint64_t spool_limit() const;
  void remove_spooled(const ActiveRun& run) const;

  Destinations& destinations_;
  Histories* const histories_;
  catalog::Catalog& catalog_;
  const Settings settings_;
  // Of all runs: what hangs in one would hang in the next.
  const std::shared_ptr<BoundedCalls> source_calls_;
  std::atomic<bool> shutting_down_ = false;
};

}  // namespace garner::daemon
