// What the threads of one backup run share.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "backup/backup_run.h"
#include "backup/checkpointer.h"
#include "backup/hard_links.h"
#include "backup/metadata_sink.h"
#include "backup/statistics.h"
#include "backup/supply.h"
#include "backup/work_queue.h"
#include "base/bounded_calls.h"
#include "snapshot/tree.h"
#include "source/excluded_folders.h"
#include "store/blob_writer.h"

namespace garner::backup {

// Numbers a source's file systems in the order they are seen; the source's own is 0. Thread-safe.
class Mounts {
 public:
  std::uint32_t number(std::uint32_t source, std::uint64_t device) {
    std::lock_guard lock(mutex_);
    auto& devices = devices_[source];
    return devices.emplace(device, static_cast<std::uint32_t>(devices.size())).first->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::uint32_t, std::map<std::uint64_t, std::uint32_t>> devices_;
};

// Whether any source could be read.
struct ReadSources {
  std::mutex mutex;
  std::size_t count = 0;
  std::string first_error;  // of one that could not
};

struct RunContext {
  // One of `targets`: how content is cut and named, which is the same for all.
  store::Repository& names;
  std::vector<store::Repository*> targets;   // that are fed
  store::BlobSource& earlier;                // what earlier snapshots and the checkpoint refer to
  store::Repository* differences = nullptr;  // from which bases of differences are read; null: none are made
  Supply* supply = nullptr;                  // null: what the walk compares with is stored at all of them
  store::BlobWriter& writer;
  CheckpointStore& checkpoint;
  Checkpointer& checkpointer;
  Statistics& statistics;
  const BackupOptions& options;
  const Clock& clock;
  std::stop_token stop;
  bool resumed = false;  // the checkpoint holds something
  source::ExcludedFolders excluded;
  std::shared_ptr<const source::RuleList> set_rules;
  std::vector<std::uint64_t> source_devices;
  snapshot::OwnerNames owners;
  MetadataSink metadata;
  std::shared_ptr<BoundedCalls> calls;  // to the source
  HardLinks hard_links{};
  Mounts mounts{};
  WorkQueue queue{};
  ReadSources read_sources{};
  std::atomic<std::uint64_t> difference_bytes = 0;  // raw, for which differences were tried
};

// Finishes a complete folder and, while that completes them, those above it.
void finish_upwards(RunContext& context, std::shared_ptr<Folder> folder);

}  // namespace garner::backup
