// The destinations that a run feeds, and who of them leaves. A destination that fails leaves, and the others
// go on; the last one that is left does not: what it fails with ends the run, which goes on with it later.
// When the spool is full because one destination takes what it is given far more slowly than another, for
// some seconds, it leaves too.
//
// Whoever has left is given nothing more that is read, for the rest of the run's life: that is recorded with
// the next save. What it was given until then it commits under the run's root, if it can.
//
// All methods may be called from any thread unless they say otherwise.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backup/backup_run.h"
#include "backup/target.h"
#include "store/blob_writer.h"

namespace garner::backup {

// What a destination that is fed lacks of what is stored for it.
struct Backlog {
  unsigned number = 0;
  std::uint64_t bytes = 0;
};
// Who is to leave when the spool, which holds `limit`, is full: who lacks most, if there is one that lacks
// less than a quarter of it. Otherwise all are about as slow, and reading waits for them. A pure function.
std::optional<unsigned> who_is_too_slow(const std::vector<Backlog>& backlogs, std::uint64_t limit);

class Targets {
 public:
  Targets(store::BlobWriter& writer, Statistics& statistics, std::uint64_t spool_limit)
      : writer_(writer), statistics_(statistics), spool_limit_(spool_limit) {}
  ~Targets();  // ends their threads
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;

  // ---- Before start() ----
  void add(Target::Context context);
  // One of the checkpoint that has left, or that is not fed any more for this reason.
  void add_left(unsigned number, const std::string& message);
  void start();

  // `changed` is called, with nothing held, whenever something was delivered, somebody has left or all have
  // failed. None: nobody listens; the one before is not called any more when this returns.
  void listen(std::function<void()> changed);

  // ---- Saves, one at a time ----
  // Before one: what it has to record.
  std::vector<TargetDelta> take_changes();
  // After it. `may_deliver`: there may be packs to deliver; the last commit does that by itself.
  void note_recorded(const std::vector<TargetDelta>& changes, bool may_deliver);
  // Whether somebody takes too much time: to be called a few times a second while the source is read.
  void look();
  // Somebody has left since the last save: one that is made soon frees the spool.
  bool wants_save() const;

  // What the last one that was left has failed with: the run's error.
  std::exception_ptr failure() const;
  // Waits until every tree that an earlier process has recorded can be read at one of them. Throws failure();
  // Error(kCancelled) when the run is to stop.
  void wait_until_readable();

  // ---- The commit, by one thread ----
  // Once everything that the snapshot refers to is recorded: all of them deliver the rest, and commit
  // (Target::finish).
  void finish(const store::CommitPlan& plan);
  // Waits until the commit of one was refused, for its repository lacks what the snapshot rests on, and
  // returns its number; nothing when all are done or have left, and at least one is done. Throws as
  // wait_until_readable().
  std::optional<unsigned> wait();
  store::CommitOutcome outcome(unsigned number) const;
  // Of one that was refused: it commits anew, resting on the names of the plan alone; or it leaves. False
  // when nobody else has committed, or still may.
  void finish_again(unsigned number, store::CommitPlan plan);
  bool give_up(unsigned number, const std::string& message);

  bool has_root(unsigned number) const { return entries_.at(number).target->has_root(); }
  std::vector<unsigned> fed() const;  // that have not left, nor failed
  // By number, up to the greatest that was added.
  std::vector<TargetProgress> progress() const;

 private:
  struct Entry {
    std::unique_ptr<Target> target;  // null: it had left before
    Target::State state = Target::State::kFed;
    bool has_left = false;
    bool is_left_recorded = false;
    std::string message;
    std::exception_ptr error;
  };

  void target_changed(unsigned number);
  void shed();
  bool is_fed(const Entry& entry) const { return entry.target && !entry.has_left; }
  unsigned fed_count() const;
  void leave(unsigned number, const std::string& message);
  void throw_ending() const;
  void tell();

  store::BlobWriter& writer_;
  Statistics& statistics_;
  const std::uint64_t spool_limit_;

  std::mutex listener_mutex_;  // held while the listener is called
  std::function<void()> listener_;

  mutable std::mutex mutex_;  // of what follows
  mutable std::condition_variable changed_;
  std::exception_ptr failure_;
  bool is_stopped_ = false;
  bool is_finishing_ = false;
  std::optional<unsigned> slow_;  // who holds up the others now
  std::chrono::steady_clock::time_point slow_since_;
  std::array<Entry, store::kMostTargets> entries_;
};

}  // namespace garner::backup
