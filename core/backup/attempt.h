// One try at a backup run: everything is walked, unless a checkpoint or a destination has the snapshot
// already, and what the walk has found is committed at each destination that is fed (backup_run.h decides
// when another try follows). attempt.cc takes up what an earlier process has left and makes the commits,
// walk.cc goes through the source.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/backup_run.h"
#include "backup/run_context.h"
#include "store/union_source.h"

namespace garner::backup {

class Attempt {
 public:
  Attempt(const std::vector<RunTarget>& targets, CheckpointStore& checkpoint, BackupOptions options,
          const Clock& clock, BackupMonitor& monitor, std::stop_token stop);

  // Nothing when content is lost that must be read from the source again: then another attempt does that.
  std::optional<BackupResult> make();

 private:
  // A destination, by number.
  struct Place {
    store::Repository* repository = nullptr;  // null: it is not there
    std::shared_ptr<const v1::RepositoryState> state;
    std::optional<v1::SnapshotEntry> made;  // this run's snapshot, where it is listed
    std::optional<Error> error;             // why it is not there, if this attempt found out
  };

  // ---- Who is there, and who is fed ----
  void look_at_places();
  std::optional<v1::SnapshotEntry> made() const;
  std::vector<unsigned> resumable(const CheckpointHead& head) const;
  void choose_fed();
  void choose_base_of_checkpoint();
  bool base_lacks_content() const;
  store::Repository& fed(std::size_t which) const { return *places_[fed_.at(which)].repository; }
  void look_at_suppliers();
  void choose_compared();
  std::vector<store::Repository*> fed_repositories() const;
  std::vector<store::Repository*> by_number() const;

  // ---- What is here ----
  void take_up();
  bool resume(CheckpointHead known);
  void begin_anew();
  store::BlobWriterOptions writer_options() const;
  void make_writer(store::BlobWriterOptions options);
  void begin_delivering(store::BlobWriter::Adopted adopted);
  void add_targets(store::BlobWriter::Adopted adopted);
  void make_earlier();
  void set_uncommitted();
  std::set<std::string> folders() const;
  void remove_strays(const std::vector<store::DurablePack>& known) const;

  // ---- The snapshot ----
  v1::Snapshot walk_source();
  void save_what_was_read();
  bool commit(const v1::Snapshot& snapshot);
  bool settle_one(unsigned number, const v1::Snapshot& snapshot);
  void give_up_own(unsigned number, const std::set<store::ObjectName>& lost);
  BackupResult result_of(const v1::Snapshot& snapshot, BackupProgress progress);
  static void show_made(const v1::Snapshot& snapshot, BackupProgress& progress);

  // ---- In walk.cc ----
  void walk();
  void work_off(RunContext& context, unsigned lane);
  std::vector<std::shared_ptr<Folder>> queue_sources(RunContext& context);
  void check_any_was_read(RunContext& context) const;
  v1::Snapshot describe(const std::vector<std::shared_ptr<Folder>>& tops) const;

  const std::vector<RunTarget>& targets_;
  CheckpointStore& checkpoint_;
  BackupOptions options_;
  const Clock& clock_;
  BackupMonitor& monitor_;
  const std::stop_token stop_;
  const unsigned threads_;

  std::vector<Place> places_;
  std::vector<unsigned> fed_;         // numbers, ascending; of those that are there, and in step
  std::vector<Supplier> suppliers_;   // that are there, and have the same names
  std::optional<v1::Snapshot> base_;  // listed by all that are fed
  std::optional<crypto::BlobId> base_id_;
  std::optional<v1::Snapshot> compared_;  // with which the walk compares: base_, or a supplier's
  bool is_supplied_ = false;              // a supplier's
  CheckpointHead head_;
  bool resumed_ = false;
  // What this process stores may hold some, which the records of all have to say: none is made unless all may
  // (source_of_differences()).
  std::atomic<bool> has_differences_ = false;
  std::unique_ptr<store::UnionSource> union_;
  store::BlobSource* earlier_ = nullptr;  // what can be read of what is stored
  std::unique_ptr<store::BlobWriter> writer_;
  std::unique_ptr<Statistics> statistics_;
  std::unique_ptr<Targets> targets_fed_;
  std::unique_ptr<Checkpointer> checkpointer_;  // listens to them: goes first
  std::unique_ptr<Supply> supply_;
  std::optional<v1::Snapshot> result_;
};

}  // namespace garner::backup
