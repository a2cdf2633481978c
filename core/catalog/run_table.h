// Runs, each change of their state, and what went wrong with single files in them.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "catalog/catalog_file.h"

namespace garner::catalog {

// Stored as numbers: never renumbered.
enum class RunKind : std::uint8_t {
  kBackup = 1,
  kRestore = 2,
  kCheck = 3,
  kRepair = 4,
  kForget = 5,
  kPrune = 6,
  kCopy = 7,
};
enum class RunState : std::uint8_t {
  kQueued = 1,
  kRunning = 2,
  kPaused = 3,
  kInterrupted = 4,
  kFinished = 5,
  kFailed = 6,
  kCancelled = 7,
};
enum class PauseReason : std::uint8_t {
  kNone = 0,
  kUser = 1,
  kDestinationAway = 2,
  kDestinationFull = 3,
  kWindow = 4,
  kStateFull = 5,
};

// Finished, failed and cancelled runs never change again.
inline bool is_over(RunState state) { return state >= RunState::kFinished; }

struct RunRow {
  std::int64_t number = 0;
  Uuid uuid;
  RunKind kind = RunKind::kBackup;
  std::string set;  // empty where it concerns none
  Bytes request;    // the daemon's: what was asked for
  RunState state = RunState::kQueued;
  PauseReason pause_reason = PauseReason::kNone;
  std::string message;  // why it failed, is paused or was interrupted
  TimePoint queued;
  std::optional<TimePoint> started;
  std::optional<TimePoint> finished;
  std::uint32_t attempts = 0;
  std::uint64_t error_count = 0;
  std::string failure;  // the kind of the error it failed with
  Bytes report;         // the daemon's: counters and results
};

struct RunChange {
  TimePoint time;
  RunState state = RunState::kQueued;
  PauseReason pause_reason = PauseReason::kNone;
  std::string message;
};

struct RunErrorRow {
  std::string path;  // bytes
  std::string message;
  bool kept = false;  // the run's snapshot has the last known version of it
  bool unreadable =
      false;  // of a backup: it could not be read; otherwise the snapshot has it, with a warning
};

// A path with errors in a run, and since when it has had some.
struct FailingPath {
  std::string path;  // bytes
  std::string message;
  bool kept = false;
  bool unreadable = false;
  TimePoint since;         // start of the first of the runs in a row
  std::uint32_t runs = 1;  // how many these are
};

// Errors of one run that are kept; beyond them none is.
inline constexpr std::uint64_t kMaximumRunErrors = 1000;

// Changes of one run's state that are kept: a run may be paused and resumed without end.
inline constexpr std::uint64_t kMaximumRunChanges = 1000;

// Any thread. Changes are durable when they return.
class RunTable {
 public:
  RunTable(CatalogFile& file, const Clock& clock) : file_(file), clock_(clock) {}

  // Gives the run its number. `also`: further changes that belong to it, in the same transaction.
  std::int64_t add(RunRow run, const std::function<void(Database&)>& also = {});
  // Writes everything that may change, and notes the change of state. `also`: as above.
  void change(const RunRow& run, const std::function<void(Database&)>& also = {});

  // What the run has achieved, and nothing else: no change of its state is noted.
  void save_report(std::int64_t number, const Bytes& report);

  std::optional<RunRow> find(std::int64_t number);
  // Whether it is a run of this catalog's that is over.
  bool is_over(const Uuid& run);
  // Newest first. An empty set: of all. `before`: only lower numbers.
  std::vector<RunRow> list(const std::string& set, std::uint64_t limit,
                           std::int64_t before = std::numeric_limits<std::int64_t>::max());
  // Those that are not over, oldest first.
  std::vector<RunRow> unfinished();
  std::optional<RunRow> last_of_set(const std::string& set);
  // The set's last backup that finished or failed; one that was cancelled says nothing of how the set is.
  std::optional<RunRow> last_ended(const std::string& set);
  // Newest first.
  std::vector<RunRow> list_kind(RunKind kind, std::uint64_t limit);
  // How many of each kind ended in each way, with those that were removed.
  struct EndedRuns {
    RunKind kind = RunKind::kBackup;
    RunState state = RunState::kFinished;
    std::uint64_t count = 0;
  };
  std::vector<EndedRuns> count_ended();
  // Runs that ended, but for the newest `kept` of each kind and set, and for what more is asked of runs: the
  // first of all, the last backup of each set that came to an end and the last clean one, the last prune and
  // check of each destination, and those that a notification is still to tell of. Oldest first.
  std::vector<std::int64_t> old_runs(std::uint64_t kept);
  // With all that belongs to them. They still count in count_ended().
  void remove(const std::vector<std::int64_t>& numbers);
  // When the first one was asked for.
  std::optional<TimePoint> first_queued();
  // End of the set's last backup that finished without errors.
  std::optional<TimePoint> last_clean(const std::string& set);
  // Oldest first; of more than kMaximumRunChanges the newest.
  std::vector<RunChange> changes(std::int64_t number);

  // Nothing changes when the run has the same error already or kMaximumRunErrors; true when it was added.
  bool add_error(std::int64_t number, const RunErrorRow& error);
  std::vector<RunErrorRow> errors(std::int64_t number, std::uint64_t limit);
  std::uint64_t error_count(std::int64_t number);
  // At most so many more errors it had than could be kept: what a run that went on met again counts here,
  // too.
  std::uint64_t errors_not_kept(const RunRow& run);
  // What failed in the run, in the order in which it was told, a path once. Of a backup: since when, over its
  // set's backups that finished, backwards from it, as far as each has an error of the path. What an earlier
  // run had beyond kMaximumRunErrors counts as none.
  std::vector<FailingPath> failing_paths(const RunRow& run);

 private:
  std::vector<RunRow> rows(Statement statement);
  CatalogFile& file_;
  const Clock& clock_;
};

// Times as the tables hold them.
std::int64_t to_nanoseconds(TimePoint time);
TimePoint from_nanoseconds(std::int64_t nanoseconds);
std::optional<TimePoint> optional_time(const Statement& row, int column);

}  // namespace garner::catalog
