// Gives one repository a finished snapshot that another one has: what it lacks is carried there (filler.h),
// and the snapshot is committed, byte for byte what it is elsewhere, so that it has one id everywhere. How
// that is cut off and goes on: carry_run.h.
//
// run_fill() returns when the target has the snapshot, and the checkpoint is forgotten then; or it throws as
// run_backup() does.
#pragma once

#include <stop_token>
#include <vector>

#include "backup/carry_run.h"
#include "backup/same_names.h"

namespace garner::backup {

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
