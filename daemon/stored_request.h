// What a run was asked to do, as the catalog keeps it: everything that a later process needs to go on with
// the run, whatever has been configured meanwhile.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "catalog/command_table.h"
#include "catalog/configuration.h"
#include "garner/v1/service.pb.h"
#include "garner/v1/store.pb.h"

namespace garner::daemon {

struct StoredRequest {
  // BACKUP, COPY
  store::v1::SetDefinition set;
  bool full_scan = false;
  catalog::SetCommands commands;
  // BACKUP, CHECK, REPAIR; of COPY the one that is given the snapshot
  std::vector<std::string> destinations;
  // RESTORE
  v1::StartRestoreRequest restore;  // its snapshot: the whole id
  bool resuming = false;            // the target is an unfinished restore of the same
  // CHECK
  double read_data_percent = 0;
  // REPAIR, FORGET, PRUNE
  bool dry_run = false;
  // FORGET: what is kept, and of which set; in its names whole ids of snapshots that go
  v1::StartForgetRequest forget;
  std::string forget_set;  // its name; empty: of all
  bool by_itself = false;  // after a backup; of CHECK and PRUNE: by the destination's schedule; of COPY: for
                           // its destination was behind
  // PRUNE
  v1::StartPruneRequest prune;
  // COPY: its snapshot is the whole id; without one it is the newest of `set` when the run begins
  v1::StartCopyRequest copy;
};

// A backup of the set as it is configured now.
StoredRequest backup_request(const catalog::BackupSet& set, catalog::CommandTable& commands);

Bytes encode(const StoredRequest& request);
// Error(kDamaged).
StoredRequest decode_request(ByteView bytes);

}  // namespace garner::daemon
