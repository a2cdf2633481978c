// Gives a repository what a finished snapshot refers to and it lacks, from other repositories of the same
// keyring: the source is not read.
//
//   find    the snapshot is walked beside one that the target lists: what is equal is passed over (walk_new).
//           What the target lacks is looked up in the suppliers' indexes, and marked there: one bit an entry
//   carry   pack by pack, data before trees: frames of which at least half is wanted are sealed anew as they
//           are, whole packs that are lacking among them; of others the wanted blobs are stored one by one.
//           Every blob is held against its id on the way. What a supplier has damaged or lost is taken from
//           the next one
//
// So it costs in proportion to what has changed. It may be cut off at any point: what was stored is found in
// the target's index or in the writer, and not carried again.
#pragma once

#include <cstdint>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/checkpointer.h"
#include "backup/statistics.h"
#include "backup/supplier.h"
#include "garner/v1/store.pb.h"
#include "store/blob_writer.h"
#include "store/repository.h"

namespace garner::backup {

namespace v1 = store::v1;

inline constexpr std::size_t kMostLost = 1000;  // that are told of

// A file or folder of which some content was found nowhere.
struct LostContent {
  std::string path;
  std::string error;
};

struct FillResult {
  std::set<store::ObjectName> names;  // packs of the target that the snapshot refers to, below `owned` apart
  std::set<std::string> suppliers;    // who gave something
  std::vector<LostContent> lost;      // the first thousand; empty: the target, or the writer, has everything
};

// What a fill works with. All outlive it, and `suppliers` have the target's names (has_same_names); those of
// a renaming (renamer.h) have names of their own. The target is the writer's only destination, and has that
// number; the writer has a lane for each of `threads`, which carry. The checkpointer is running: it decides
// how far the fill may run ahead. The statistics are told of raw bytes that were supplied and of file content
// that was new.
struct FillContext {
  store::Repository& target;
  unsigned number = 0;
  store::BlobWriter& writer;
  Checkpointer& checkpointer;
  Statistics& statistics;
  const std::vector<Supplier>& suppliers;  // asked in this order
  unsigned threads = 1;
  std::stop_token stop;
};

// Brings everything that `snapshot` refers to and the target lacks into the writer; nothing is committed.
// What is below one of `owned` (listed at the target, and not recovered) counts as there. Error(kCancelled)
// after `stop`; Error(kDestinationAway) when the target, or a supplier that alone may have something, is
// away; Error(kPermissionDenied) when the target may not hold differences and the snapshot has some; the
// errors of the writer and the checkpointer.
FillResult fill(const FillContext& context, const v1::Snapshot& snapshot,
                const std::vector<const v1::Snapshot*>& owned);

}  // namespace garner::backup
