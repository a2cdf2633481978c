// What runs share that give one repository a finished snapshot of others, the source aside: fill_run.h and
// rename_run.h, which tell how content comes there.
//
//   take up the checkpoint → carry what is lacking → publish → commit
//
// What was carried is made durable and published as a backup's packs are, and committed under an unfinished
// root every so often, so that a run of days is neither collected nor begins anew:
//
//   cut off before the first save     files in the staging folder or the spool; removed when it is taken up
//   after a save                      packs that the checkpoint knows, in staging or published: taken over,
//                                     and what they hold is not stored again
//   after a root                      what it names is found in the target's index
//   after the snapshot's record       the target has the snapshot of the run: done
//
// The checkpoint is the run's, and tells of one target, by its number in the run's request. What another such
// run has left there, or the backup that made the snapshot, says nothing of this target: it begins anew.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/backup_run.h"
#include "backup/filler.h"

namespace garner::backup {

struct FillOptions {
  Uuid run;                  // begins the names of staging files, and names the root
  unsigned number = 0;       // of the target, in the run's request
  TargetCounters before;     // what the run had given it before this began
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

// What one pass has brought into the writer.
struct CarriedSnapshot {
  v1::SnapshotEntry entry;            // what the target is to list
  std::set<store::ObjectName> names;  // packs of the target that it refers to, beside those the writer knows
  std::set<std::string> suppliers;    // who gave something
  std::vector<LostContent> lost;      // empty: the target, or the writer, has everything
};

// How content comes to the target.
class CarryWay {
 public:
  virtual ~CarryWay() = default;
  // The snapshot of the target's below which nothing need be carried. Null: there is none.
  virtual const v1::SnapshotEntry* find_owned(const v1::RepositoryState& state) = 0;
  virtual bool may_carry_differences() const = 0;
  // Brings everything into the writer that the snapshot refers to and the target lacks; nothing is committed.
  // `owned`: what find_owned() has found, or null.
  virtual CarriedSnapshot carry(const FillContext& context, const v1::SnapshotEntry* owned) = 0;
};

// Errors, and what the monitor is shown: as run_fill().
FilledTarget run_carry(store::Repository& target, const v1::SnapshotEntry& entry,
                       const std::vector<Supplier>& suppliers, CheckpointStore& checkpoint,
                       const FillOptions& options, const Clock& clock, BackupMonitor& monitor, CarryWay& way,
                       std::stop_token stop);

}  // namespace garner::backup
