// One destination of a run. A thread of its own gives it the packs that the run's checkpoints have recorded,
// commits them every so often under the run's unfinished root, and makes the last commit: reading the source
// waits for none of it but through the spool's bound (Checkpointer::admit).
//
// Order: a pack's name is recorded in a checkpoint (note_recorded), then the pack is published under it, then
// it is committed, then the checkpoint forgets it (take_changes). A crash in between leaves a pack that the
// checkpoint knows: published or not, live or not, which its adoption finds out. Commits of different
// destinations need no order: nothing at one refers to another.
//
// All methods may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "backup/checkpoint.h"
#include "backup/checkpoint_pace.h"
#include "backup/statistics.h"
#include "store/blob_writer.h"

namespace garner::backup {

class Target {
 public:
  struct Context {
    unsigned number = 0;  // in the run's request
    std::string name;     // for people
    store::Repository& repository;
    store::BlobWriter& writer;
    Statistics& statistics;
    Uuid run;
    CheckpointPace pace;
    std::vector<crypto::BlobId> base_snapshots;
    std::set<store::ObjectName> names;         // as the checkpoint has them
    std::vector<Uuid> committed_packs;         // to be forgotten with the next save
    bool has_root = false;                     // the log has this run's unfinished root
    const std::atomic<bool>& has_differences;  // what is delivered may hold some, of what this process stores
    bool had_differences = false;              // the same of what an earlier process has stored, here
    std::function<std::shared_ptr<void>()> during_commit = {};  // as in BackupOptions
    // Called by the thread, with nothing held, whenever something was delivered or the state has changed.
    std::function<void()> changed = {};
  };
  enum class State {
    kFed,      // takes what is recorded
    kRefused,  // its commit was: the repository lacks what the snapshot rests on
    kDone,     // lists the snapshot
    kLeft,     // was told to leave, and has committed what it was given
    kStopped,  // the run is to stop
    kFailed
  };
  static bool is_over(State state) { return state != State::kFed && state != State::kRefused; }

  explicit Target(Context context);
  ~Target();  // ends the thread, and what can be ended of what it does
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  void start();
  // Ends the thread, as the destructor does: `changed` is not called any more when this returns.
  void end();
  const std::string& name() const { return context_.name; }

  // Part of a save, before it: what it has to record of this destination, but for the counters. `names`:
  // packs of others that content refers to which it makes durable.
  TargetDelta take_changes(const std::set<store::ObjectName>& names);
  // After it: there may be packs to deliver.
  void note_recorded();

  // Once everything that the snapshot refers to is recorded: delivers the rest, and commits. `plan`: what is
  // to be listed, and what else the record is to say; what was delivered and the run's own root are added to
  // it, and, unless its names are all that it rests on (`is_settled`), the run's names and base snapshots.
  void finish(store::CommitPlan plan, bool is_settled);
  store::CommitOutcome outcome() const;  // of that, when it is refused or done
  // After BlobWriter::leave(): what it was given is committed under the run's root, if that can be done.
  void leave();

  State state() const;
  std::exception_ptr error() const;  // of kFailed
  bool has_root() const;

 private:
  void run();
  State work();
  State what_came_of(const std::exception_ptr& error);
  void commit_root_if_due(bool is_all);
  void commit_root();
  State commit_last();
  store::CommitOutcome commit(store::CommitPlan& plan);
  void tell();

  const Context context_;
  std::stop_source stopping_;  // of the thread and what it waits for

  // The thread's.
  bool may_commit_root_ = true;
  std::chrono::steady_clock::time_point last_commit_;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  State state_ = State::kFed;
  std::exception_ptr error_;
  bool has_work_ = false;
  bool is_leaving_ = false;
  std::set<store::ObjectName> names_;
  std::set<store::ObjectName> new_names_;  // of names_, what no save has recorded
  std::vector<Uuid> committed_packs_;
  bool has_root_;
  std::optional<store::CommitPlan> last_plan_;  // to be committed
  bool is_settled_ = false;
  store::CommitOutcome outcome_;

  // Asks for mutex_: ended before that goes.
  const std::stop_callback<std::function<void()>> run_stops_;
  std::jthread thread_;
};

}  // namespace garner::backup
