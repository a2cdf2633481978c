// Runs from being asked for to being over. Their states are in the catalog, so that they outlive the process.
//
// Backups, copies, repairs and prunes go one at a time; restores, checks and forgets go one at a time beside
// them, so that a restore never waits for a long backup. After a backup of a set that has a retention, a
// forget is added. Each run that runs has a thread of its own.
//
// Maintenance, which is a prune or check that a schedule began, or a copy to a destination that was behind,
// comes after all others, and makes way for them: it is stopped and queued again when one is added that would
// wait for it. Backups by schedule may come so often that a prune would never end; for these it makes way
// three times. A copy goes on where it was, however often; one that somebody asked for does the same, but for
// maintenance and other copies.
//
// A backup that has its snapshot, and gives it to destinations that lack it, makes way like such a copy. Its
// set is not to wait either, and may have one unfinished backup: so it ends, and copies by themselves, which
// are added with its end, do the rest.
//
//   queued → running → finished, failed, cancelled
//   running → paused (by the user; because the destination is away or full) → queued
//   running → interrupted (the daemon stops, or was killed) → running, when it starts again
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "active_run.h"
#include "catalog/catalog.h"
#include "run_work.h"

namespace garner::daemon {

// Any thread.
class RunQueue {
 public:
  // `changed` is called whenever a run's state has changed; it must be quick and must not call back. `also`
  // adds to the catalog's change that a run's new state is: both are durable, or neither.
  using Also = std::function<void(catalog::Database&, const catalog::RunRow&)>;
  RunQueue(catalog::Catalog& catalog, RunWork& work, const Clock& clock, std::function<void()> changed,
           Also also = {});
  ~RunQueue();

  // Takes up what the catalog says was not over. Once, before anything else.
  void load();
  // From now on runs begin. Those that ran or waited go on; those paused because of their destination are
  // tried again.
  void start();
  // No run begins any more; those running are told to stop, save a checkpoint and become interrupted. Waits
  // for them until `deadline`; true when all have ended.
  bool stop(std::chrono::steady_clock::time_point deadline);

  // Error(kConflict) for a backup of a set that has an unfinished one, naming that. `also`: changes of the
  // catalog that are made with it, or not at all.
  v1::Run add(catalog::RunKind kind, const std::string& set, StoredRequest request,
              const std::function<void(v1::Run&)>& describe = {},
              const std::function<void(catalog::Database&)>& also = {});
  // Waits a while for the run to come to rest. Error(kConflict) for a run that is over; Error(kNotFound).
  v1::Run pause(std::int64_t number);
  v1::Run resume(std::int64_t number);
  v1::Run cancel(std::int64_t number);

  // With errors. Error(kNotFound).
  v1::Run get(std::int64_t number);
  // A page of them, newest first, without errors. Error(kNotFound) for a `before` that is no number.
  v1::ListRunsResponse list(const v1::ListRunsRequest& request);
  // Oldest first.
  std::vector<v1::Run> active();
  // Stops what makes way, if somebody waits for it. Whenever a run is added that is done, and now and then: a
  // backup may have come so far only since.
  void make_way();
  // A backup that gives destinations its snapshot ends, for its set is due again; any other goes on.
  void end_filling(std::int64_t number);
  // The run of the kind that is not over and uses the destination; of this set, or of any.
  std::optional<std::int64_t> unfinished(catalog::RunKind kind, const std::string& destination,
                                         const std::optional<std::string>& set = std::nullopt);
  // Whether a run that is not over uses the set or destination.
  bool uses_set(const std::string& set);
  bool uses_destination(const std::string& destination);
  // Whether any runs at this moment.
  bool is_running();

  // Runs `work` while no run runs and none begins. Error(kConflict) when one is running.
  void while_idle(const std::function<void()>& work);

  // Runs that are paused because of their destination.
  struct Waiting {
    std::int64_t number = 0;
    catalog::PauseReason reason = catalog::PauseReason::kNone;
    std::vector<std::string> destinations;
  };
  std::vector<Waiting> waiting();
  // Goes on with such a run; nothing when it is no longer paused for that reason.
  void retry(std::int64_t number);
  // A run whose set's window has closed: paused until it opens. Neither waits, and both do nothing for a run
  // that is over, or in another state by now.
  void pause_for_window(std::int64_t number, const std::string& message);
  void resume_in_window(std::int64_t number);
  // Writes states that could not be written when they changed (the disk was full).
  void write_again();

 private:
  enum Lane { kWriting = 0, kReading = 1, kLanes = 2 };
  static Lane lane_of(catalog::RunKind kind);

  std::shared_ptr<ActiveRun> require_active(std::int64_t number);
  void take_up(const catalog::RunRow& row);
  // The next seven with mutex_ held.
  std::shared_ptr<ActiveRun> add_locked(catalog::RunKind kind, const std::string& set, StoredRequest request,
                                        const std::function<void(v1::Run&)>& describe,
                                        const std::function<void(catalog::Database&)>& also);
  void add_copies(const ActiveRun& after, std::vector<StoredRequest> copies);
  void begin_runs();
  // Of those that wait in the lane, the one that is to begin next.
  std::shared_ptr<ActiveRun> next_in(Lane lane);
  void change(ActiveRun& run, catalog::RunState state, catalog::PauseReason reason,
              const std::string& message);
  void write(ActiveRun& run, const catalog::RunRow& row);
  void finish(const std::shared_ptr<ActiveRun>& run, catalog::RunState state, const std::string& message,
              const std::string& failure = {});
  void forget_if_over(const std::shared_ptr<ActiveRun>& run);

  void run_thread(Lane lane, const std::shared_ptr<ActiveRun>& run, const std::stop_token& stop);
  // What an attempt came to; called by run_thread without the lock.
  struct Outcome {
    catalog::RunState state = catalog::RunState::kFinished;
    catalog::PauseReason reason = catalog::PauseReason::kNone;
    std::string message;
    std::string failure;
  };
  Outcome attempt(ActiveRun& run, const std::stop_token& stop);
  Outcome outcome_of(ActiveRun& run, std::exception_ptr error);
  // Tries to take back what the run left; the reason why that could not be done, or nothing.
  std::string abandon(ActiveRun& run);

  catalog::Catalog& catalog_;
  RunWork& work_;
  const Clock& clock_;
  const std::function<void()> changed_;
  const Also also_;

  std::mutex mutex_;
  std::condition_variable moved_;  // a run has come to rest, or begun
  std::map<std::int64_t, std::shared_ptr<ActiveRun>> active_;
  std::map<std::int64_t, catalog::RunRow> unwritten_;
  std::array<std::shared_ptr<ActiveRun>, kLanes> running_;
  std::array<std::thread, kLanes> threads_;
  bool started_ = false;
  bool stopping_ = false;
  bool held_ = false;  // by while_idle()
};

}  // namespace garner::daemon
