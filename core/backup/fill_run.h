// Gives one repository a finished snapshot that another one has: what it lacks is carried there (filler.h),
// and the snapshot is committed, byte for byte what it is elsewhere, so that it has one id everywhere.
//
//   take up the checkpoint → find what is lacking → carry it → publish → commit
//
// What was carried is made durable and published as a backup's packs are, and committed under an unfinished
// root every so often, so that a fill of days is neither collected nor begins anew:
//
//   cut off before the first save     files in the staging folder or the spool; removed when it is taken up
//   after a save                      packs that the checkpoint knows, in staging or published: taken over,
//                                     and what they hold is not carried again
//   after a root                      what it names is found in the target's index
//   after the snapshot's record       the target has the snapshot of the run: done
//
// The checkpoint is the run's, and tells of one target, by its number in the run's request. What another fill
// of the run has left there, or the backup that made the snapshot, says nothing of this target: it begins
// anew.
//
// run_fill() returns when the target has the snapshot, and the checkpoint is forgotten then; or it throws as
// run_backup() does.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/backup_run.h"
#include "backup/filler.h"
#include "backup/same_names.h"

namespace garner::backup {

struct FillOptions {
  Uuid run;                  // begins the names of staging files, and names the root
  unsigned number = 0;       // of the target, in the run's request
  TargetCounters before;     // what the run had given it before its fill began
  std::string spool_folder;  // for packs, where the target has no staging folder
  std::uint64_t spool_limit = std::uint64_t{1} << 30;  // as in BackupOptions
  unsigned threads = 0;                                // 0: one for each core
  std::size_t memory_budget = 128u << 20;              // bytes of frames and codec contexts
  CheckpointPace pace;
  // As in BackupOptions.
  std::function<std::shared_ptr<void>()> during_commit;
  // Whether a run of this machine's is over: what it has left at the target, its unfinished root and its
  // files in the staging folder, is taken away with this one's commit. Unknown runs are not.
  std::function<bool(const Uuid&)> is_over;
};

// What the target was given, over the run's whole life.
struct FilledTarget {
  crypto::BlobId snapshot;             // its id there
  TargetCounters counters;             // supplied: raw, of all that was carried
  std::vector<std::string> suppliers;  // who gave something, in this process
};

// The monitor is shown that `progress.done_bytes` of `expected_bytes` are carried, and the target by its
// number. Error(kDamaged) naming files of which content can be had from no supplier: nothing is committed
// then, and what was carried stays under the run's root until it is taken up again or abandoned
// (abandon_backup). `entry`: as a supplier lists it; one that was recovered is listed as recovered. A target
// that lists it as recovered, and lacks some of it, is given what it lacks.
FilledTarget run_fill(store::Repository& target, const v1::SnapshotEntry& entry,
                      const std::vector<Supplier>& suppliers, CheckpointStore& checkpoint,
                      const FillOptions& options, const Clock& clock, BackupMonitor& monitor,
                      std::stop_token stop);

}  // namespace garner::backup
