// One backup run, from walk to commit, on its own threads:
//
//   walk → compare with the earlier snapshot and the checkpoint → read → chunk → id → known? → frame →
//   compress → seal → pack → commit
//
// run_backup() returns when the run is finished, or throws: Error(kCancelled) when `stop` was requested
// (after a checkpoint: a pause, a cancel and the daemon's end all stop a run this way),
// Error(kDestinationAway), Error(kDestinationFull) (the caller pauses the run and calls again with the same
// checkpoint), or any other error.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/checkpoint.h"
#include "backup/checkpoint_pace.h"
#include "base/clock.h"
#include "command/command.h"
#include "source/bounded_calls.h"
#include "store/repository.h"

namespace garner::backup {

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
  bool content_lost = false;  // what earlier snapshots name may be gone: not even class `once` rests on it
  std::string host;
  unsigned threads = 0;                    // 0: one for each core
  std::size_t memory_budget = 128u << 20;  // bytes of frames and codec contexts
  std::string read_counter_file;           // counts what is read of the source, also past the last checkpoint
  std::string spool_folder;                // for packs, where the destination has no staging folder
  CheckpointPace pace;
  std::vector<std::string> excluded_folders;  // absolute: state folder, local repositories
  // What cannot be read is tried again after each of these, when all else is done.
  std::vector<std::chrono::milliseconds> retry_delays{std::chrono::seconds(1), std::chrono::seconds(4)};
  // By which what may hang is asked; one for all runs, so that threads that they leave behind are counted
  // together. None: one of this run's own.
  std::shared_ptr<source::BoundedCalls> source_calls;
  // Called before a commit, from any thread; what it returns is held until the commit is over. To keep the
  // machine awake.
  std::function<std::shared_ptr<void>()> during_commit;
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
};

struct SourceError {
  std::string path;  // absolute, bytes
  std::string message;
  bool kept = false;  // the snapshot has the last known version of it
};

struct BackupResult {
  crypto::BlobId snapshot;
  BackupProgress progress;  // final numbers
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

BackupResult run_backup(store::Repository& repository, CheckpointStore& checkpoint,
                        const BackupOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop);

// Withdraws what a cancelled run left: its unfinished root in the log, its files in the staging folder, its
// checkpoint.
void abandon_backup(store::Repository& repository, CheckpointStore& checkpoint, const Uuid& run);

}  // namespace garner::backup
