// A snapshot is in the log, and also a blob in a pack.
#pragma once

#include <vector>

#include "backup/targets.h"
#include "garner/v1/store.pb.h"
#include "store/blob_writer.h"
#include "store/repository.h"

namespace garner::backup {

namespace v1 = store::v1;

// Writes the snapshot's blob, and those of listed snapshots that stand in the log only, to each destination
// of `targets` that is given metadata anyway; at the others the next run does it. `repositories`: by number.
void put_snapshot_blobs(store::BlobWriter& writer, const Targets& targets,
                        const std::vector<store::Repository*>& repositories, const v1::Snapshot& snapshot);

}  // namespace garner::backup
