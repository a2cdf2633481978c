// Restoring a snapshot, a folder or a file. run_restore() returns when everything that could be written is,
// or throws: Error(kCancelled) on `stop`, Error(kTargetFull), errors of the destination,
// Error(kAlreadyExists) for a target that is not empty, before the destination is asked for anything. So
// after an error of the destination the target is an unfinished restore, or not there yet. Run again on it,
// it skips what is already right.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "store/repository.h"

namespace garner::restore {

namespace v1 = store::v1;

// What each thread may take, in bytes: a frame as it is stored and as it was, and what these are read
// through.
inline constexpr std::size_t kMemoryPerThread = 12u << 20;

enum class Overwrite { kRefuse, kNever, kOlder, kAlways };

struct RestoreOptions {
  std::string path;    // in the snapshot; empty: all (find_node's rules)
  std::string target;  // absolute folder; made when missing
  Overwrite overwrite = Overwrite::kRefuse;
  // The target is the unfinished restore of the same snapshot and path, and was empty when that began: with
  // kRefuse what is right is skipped, what is unfinished replaced, and what differs kept and told of.
  bool resuming = false;
  bool dry_run = false;
  unsigned threads = 0;                   // 0: one for each core
  std::size_t memory_budget = 32u << 20;  // bytes of references to content that are gathered at a time
};

struct RestoreProgress {
  std::uint64_t total_files = 0;  // regular files; 0 while unknown
  std::uint64_t total_bytes = 0;
  std::uint64_t done_files = 0;
  std::uint64_t done_bytes = 0;
  std::uint64_t read_bytes = 0;     // stored bytes read from the destination
  std::uint64_t skipped_files = 0;  // already right, or kept by the overwrite policy
  std::uint64_t error_count = 0;    // files or metadata that could not be restored
  std::string current;
};

class RestoreMonitor {
 public:
  virtual ~RestoreMonitor() = default;
  virtual void progressed(const RestoreProgress& progress) = 0;  // any thread, often; cheap
  // A file or its metadata that could not be restored. `path`: absolute, in the target. Any thread, one at a
  // time.
  virtual void error(const std::string& path, const std::string& message) = 0;
};

RestoreProgress run_restore(store::Repository& repository, const v1::Snapshot& snapshot,
                            const RestoreOptions& options, RestoreMonitor& monitor, std::stop_token stop);

}  // namespace garner::restore
