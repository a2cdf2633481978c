// What a backup run has finished so far, as it outlives the process. `catalog` implements CheckpointStore on
// SQLite.
//
// One save() is one transaction. It is called after the frames it names are durable, so that whatever a
// checkpoint says is stored can be read. On resumption the run closes the packs that the checkpoint knows at
// their last durable frame, walks the source again, compares stat data with what the checkpoint recorded, and
// reads only what is not in it. Once the walk is over the last save has the snapshot: from then on a resumed
// run delivers and commits, and looks at the source no more.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/durable_pack.h"
#include "store/object_name.h"

namespace garner::backup {

namespace v1 = store::v1;

// Where a file or folder is: the source's number in the set, and the path below it ("" for the source
// itself).
struct Place {
  std::uint32_t source = 0;
  std::string folder;  // of the folder that holds it, relative to the source, "" for the source itself
  std::string name;
};

// A file whose content is stored and whose folder is not finished.
struct FinishedFile {
  Place place;
  v1::Node node;
  TimePoint seen;  // when its status was read, before its content
};

// A folder everything below which is finished.
struct FinishedFolder {
  Place place;
  crypto::BlobId tree;
  v1::Totals totals;
  TimePoint seen;  // nothing in it was looked at before this
};

// A large file that is being read.
struct FileInProgress {
  Place place;
  v1::Node node;             // as captured when reading began, without content
  std::uint64_t offset = 0;  // everything before is stored
  Bytes content_list;        // ContentListBuilder::save()
  TimePoint seen;            // when its status was read
};

// Sums over the run's whole life.
struct RunCounters {
  std::uint64_t read_bytes = 0;    // from the source
  std::uint64_t new_bytes = 0;     // raw file content that was new to at least one destination
  std::uint64_t stored_bytes = 0;  // written to destinations, all together
};

// The same of one destination.
struct TargetCounters {
  std::uint64_t new_bytes = 0;       // raw file content that was new to it
  std::uint64_t stored_bytes = 0;    // written to it
  std::uint64_t supplied_bytes = 0;  // raw, given to it from other destinations
};

// A destination that the run feeds, by its number in the run's request: that stays the same for the run's
// life.
struct TargetBegin {
  unsigned number = 0;
  std::vector<crypto::BlobId> base_snapshots;  // what was skipped rests on these
  std::uint64_t generation = 0;                // of its log, when the run began
};

// What changed at one of them since the last save.
struct TargetDelta {
  unsigned number = 0;
  bool left = false;                  // it is given nothing any more that is read: once true, for good
  std::string message;                // why
  std::set<store::ObjectName> names;  // packs of others there that stored content refers to
  std::vector<Uuid> committed_packs;  // in a committed segment there now
  TargetCounters counters;            // totals, not differences
};

struct TargetHead {
  unsigned number = 0;
  bool left = false;
  std::string message;
  std::vector<crypto::BlobId> base_snapshots;
  std::set<store::ObjectName> names;
  TargetCounters counters;
  std::uint64_t generation = 0;  // as in TargetBegin; 0: it was begun by a version that did not note it
};

// What changed since the last save. What it says is stored is so at every destination that has not left.
struct CheckpointDelta {
  std::vector<store::DurablePack> packs;  // `frames`: those new since the last save
  std::vector<Uuid> released_packs;       // nothing is left to do with them: forget them
  std::vector<TargetDelta> targets;
  std::vector<FinishedFile> files;
  std::vector<FinishedFolder> folders;  // what was recorded below each is forgotten with this
  // Replaces the entry of the same place; a finished file's entry goes.
  std::vector<FileInProgress> in_progress;
  RunCounters counters;  // totals, not differences
  // What the run is to commit, from now on: the same bytes at every destination. The source is not walked
  // again.
  std::optional<v1::Snapshot> snapshot;
};

// The state a resumed run begins with; files and folders are asked for folder by folder.
struct CheckpointHead {
  TimePoint scan_start;                   // of the first attempt
  std::vector<store::DurablePack> packs;  // with all their frames
  std::vector<TargetHead> targets;        // by number
  RunCounters counters;
  std::optional<v1::Snapshot> snapshot;

  // For BlobWriter::adopt().
  store::Generations generations() const {
    store::Generations all{};
    for (const TargetHead& target : targets) all.at(target.number) = target.generation;
    return all;
  }
  // Null for a destination that was not there when the run began.
  const TargetHead* target(unsigned number) const {
    for (const TargetHead& target : targets) {
      if (target.number == number) return &target;
    }
    return nullptr;
  }
};

// One run's checkpoint. Methods throw Error; save() and begin() are durable when they return. Safe from any
// thread.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;
  // Nothing where no checkpoint was begun. Durable when it returns: no save that has failed comes back after
  // a crash, and what is given does.
  virtual std::optional<CheckpointHead> load() = 0;
  // Starts an empty checkpoint, forgetting any other of the run.
  virtual void begin(TimePoint scan_start, const std::vector<TargetBegin>& targets) = 0;
  virtual void save(const CheckpointDelta& delta) = 0;
  virtual void forget() = 0;

  // What is recorded directly in a folder.
  virtual std::vector<FinishedFile> files_in(std::uint32_t source, const std::string& folder) = 0;
  virtual std::vector<FinishedFolder> folders_in(std::uint32_t source, const std::string& folder) = 0;
  virtual std::optional<FileInProgress> in_progress(const Place& place) = 0;
  // The source's own root, if it is a finished folder (its place has an empty name).
  virtual std::optional<FinishedFolder> root(std::uint32_t source) = 0;
};

}  // namespace garner::backup
