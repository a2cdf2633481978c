// Gives one repository a finished snapshot of others that name content otherwise, for they have another
// keyring, or chunks of other sizes: all of it is read there, and cut and named as the target does
// (renamer.h). What is committed is the snapshot with the same set, run, times, host and totals, and an id of
// its own; its parent, an id of the other keyring, is left out. This machine needs the keys of both. How that
// is cut off and goes on: carry_run.h.
//
// run_rename() returns when the target has the snapshot, and the checkpoint is forgotten then; or it throws
// as run_backup() does.
#pragma once

#include <stop_token>
#include <vector>

#include "backup/carry_run.h"

namespace garner::backup {

// `suppliers` list `entry`, and have one keyring: whoever comes first gives each blob that it can. A target
// that lists a snapshot of the same run already is given nothing: that one's id is returned. Otherwise as
// run_fill(): what the monitor is shown, the counters (file content alone counts as supplied), the errors,
// and that a snapshot that was recovered is listed as recovered.
FilledTarget run_rename(store::Repository& target, const v1::SnapshotEntry& entry,
                        const std::vector<Supplier>& suppliers, CheckpointStore& checkpoint,
                        const FillOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop);

}  // namespace garner::backup
