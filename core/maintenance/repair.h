// repair: rebuilds index and log from packs alone where the log is missing or unusable. Reads every pack's
// directory, then walks every snapshot blob it finds; only those whose closure is complete are listed again,
// as recovered. Packs that what is left of the log had condemned (condemned_names.h) are none of it, unless
// snapshots are incomplete without them: the next prune takes them for the orphans that they are.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "maintenance/check.h"
#include "store/repository.h"

namespace garner::maintenance {

struct RepairResult {
  bool needed = false;  // false: the log is in order, nothing was done
  std::uint64_t packs = 0;
  std::uint64_t blobs = 0;
  std::vector<crypto::BlobId> recovered;   // snapshots
  std::vector<crypto::BlobId> incomplete;  // snapshots that were found but lack content
};

// `repository` was opened without its log. With `dry_run` nothing is written.
RepairResult run_repair(store::Repository& repository, bool dry_run, CheckMonitor& monitor,
                        std::stop_token stop);

}  // namespace garner::maintenance
