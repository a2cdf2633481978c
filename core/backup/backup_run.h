// One backup run, from walk to commit, on its own threads:
//
//   walk → compare with the earlier snapshot and the checkpoint → read → chunk → id → known where? → frame →
//   compress → seal → pack → each destination: deliver, commit
//
// One walk and one read feed all destinations that are in step: that are not behind, have the same names for
// content, and list the snapshot that the run compares with. Each is given what it lacks, and each commits
// the same snapshot, byte for byte, so that it has one id everywhere. A destination that goes away, is full,
// fails or is too slow leaves the feed and keeps none of the others. What is not fed is told, and is to be
// filled from one that has the snapshot; the source is not read for it.
//
// run_backup() returns when at least one destination has the snapshot and nothing more is to be done at the
// others, or throws: Error(kCancelled) when `stop` was requested (after a checkpoint: a pause, a cancel and
// the daemon's end all stop a run this way); otherwise what the last destination failed with:
// Error(kDestinationAway), Error(kDestinationFull), Error(kStateFull) (the caller pauses the run and calls
// again with the same checkpoint), or any other error.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/checkpoint.h"
#include "backup/checkpoint_pace.h"
#include "backup/supplier.h"
#include "base/bounded_calls.h"
#include "base/clock.h"
#include "base/error.h"
#include "command/command.h"
#include "store/repository.h"

namespace garner::backup {

struct BackupResult;

// A source that is the output of a command.
struct CommandSource {
  std::string name;  // of the file that it becomes
  command::Request request;
};

struct BackupOptions {
  Uuid run;
  v1::SetDefinition set;
  std::vector<CommandSource> commands;  // names are unique and valid; the set may have no sources but these
  bool full_scan = false;
  bool content_lost = false;  // what earlier snapshots name may be gone: class `once` rests on what is not
  std::string host;
  unsigned threads = 0;                    // 0: one for each core
  std::size_t memory_budget = 128u << 20;  // bytes of frames and codec contexts
  // Destinations that are not the run's own, and may give those what need not be read: asked in this order.
  // What has other names for content is passed over.
  std::vector<Supplier> suppliers;
  std::string read_counter_file;  // counts what is read of the source, also past the last checkpoint
  // For packs, where the destination has no staging folder, or there are several.
  std::string spool_folder;
  // Bytes of packs in it that may wait to be delivered: reading waits beyond that, or the slowest destination
  // leaves the feed.
  std::uint64_t spool_limit = std::uint64_t{1} << 30;
  CheckpointPace pace;
  std::vector<std::string> excluded_folders;  // absolute: state folder, local repositories
  // What cannot be read is tried again after each of these, when all else is done.
  std::vector<std::chrono::milliseconds> retry_delays{std::chrono::seconds(1), std::chrono::seconds(4)};
  // By which what may hang is asked; one for all runs, so that threads that they leave behind are counted
  // together. None: one of this run's own.
  std::shared_ptr<BoundedCalls> source_calls;
  // Called before a commit, from any thread; what it returns is held until the commit is over. To keep the
  // machine awake.
  std::function<std::shared_ptr<void>()> during_commit;
  // Called once, with what run_backup() is about to return, while the checkpoint is still there: who records
  // durably what has come of the run misses nothing, whatever ends the process. Throws what ends the run.
  std::function<void(const BackupResult&)> when_made;
};

// A destination of a run. Its place in the list that run_backup() is given is its number: the same for the
// run's whole life, whoever is there.
struct RunTarget {
  std::string name;                         // for people
  store::Repository* repository = nullptr;  // null: it is not there, or was refused
  bool behind = false;                      // it lacks an earlier snapshot of the set: it is not fed
};

enum class TargetState {
  kFed,     // from the source
  kDone,    // lists the snapshot
  kBehind,  // is to be given the snapshot by others
  kFailed   // the same, after an error
};

// What can be seen of it while the run goes on.
struct TargetProgress {
  TargetState state = TargetState::kBehind;
  std::uint64_t undelivered_bytes = 0;  // stored for it here, and not there yet
  TargetCounters counters;
  std::string error;                      // why it has left the feed
  ErrorKind kind = ErrorKind::kInternal;  // of that, when it has failed
};

// What can be seen of a run while it goes on. All numbers only grow.
struct BackupProgress {
  RunCounters counters;
  std::uint64_t files = 0;         // regular files in scope so far
  std::uint64_t source_bytes = 0;  // their sizes
  std::uint64_t done_files = 0;
  std::uint64_t done_bytes = 0;
  std::uint64_t expected_files = 0;  // 0 while unknown
  std::uint64_t expected_bytes = 0;
  std::uint64_t error_count = 0;
  std::string current;  // printable path of what is being read
  std::string stage;
  std::vector<TargetProgress> targets;  // by number
};

struct SourceError {
  std::string path;  // absolute, bytes
  std::string message;
  bool kept = false;        // the snapshot has the last known version of it
  bool unreadable = false;  // otherwise a warning: the snapshot has it, but for what the message says
};

struct BackupResult {
  crypto::BlobId snapshot;
  BackupProgress progress;              // final numbers
  std::vector<TargetProgress> targets;  // by number; none of them kFed, at least one kDone
  std::set<std::string> suppliers;      // who gave something, in this process
};

// Thread-safe view of a running backup. Owned by the caller, outlives the run.
class BackupMonitor {
 public:
  virtual ~BackupMonitor() = default;
  // Called by the run's threads, often; must be cheap.
  virtual void progressed(const BackupProgress& progress) = 0;
  virtual void error(const SourceError& error) = 0;
  // A line, in bytes, that the command of that name wrote to standard error.
  virtual void command_said(const std::string& /*name*/, std::string_view /*line*/) {}
};

// `targets`: at least one is there; at most store::kMostTargets.
BackupResult run_backup(const std::vector<RunTarget>& targets, CheckpointStore& checkpoint,
                        const BackupOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop);
// To one destination.
BackupResult run_backup(store::Repository& repository, CheckpointStore& checkpoint,
                        const BackupOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop);

// Withdraws what a cancelled run left: its unfinished roots in the logs, its files in staging folders and the
// spool, its checkpoint. Of one that fails the rest is done all the same; the first error is thrown.
void abandon_backup(const std::vector<store::Repository*>& repositories, CheckpointStore& checkpoint,
                    const Uuid& run, const std::string& spool_folder);
void abandon_backup(store::Repository& repository, CheckpointStore& checkpoint, const Uuid& run,
                    const std::string& spool_folder = {});

}  // namespace garner::backup
