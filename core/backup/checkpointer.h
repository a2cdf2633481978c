// Decides when a checkpoint falls due, makes it, and holds back reading that would run too far ahead of it,
// or of what the destination takes.
//
// A checkpoint is made in this order: what finished so far is taken from the folders and the files in
// progress; every frame put before is made durable; the catalog records both in one transaction; and the
// destinations' threads (targets.h) are told that there are packs whose names it recorded. Whatever is taken
// after the first step belongs to the next checkpoint. A crash at any point leaves the last transaction,
// whose frames are durable, and packs under names that it knows.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

#include "backup/checkpoint.h"
#include "backup/checkpoint_pace.h"
#include "backup/folder.h"
#include "backup/statistics.h"
#include "backup/targets.h"
#include "base/stop_scope.h"
#include "snapshot/content_list.h"
#include "store/blob_writer.h"

namespace garner::backup {

// What one thread may have read of files that no checkpoint can record yet.
inline constexpr std::uint64_t kUnrecordedPerThread = 4u << 20;

// A large file that a thread is reading. The thread holds `mutex` while it stores a chunk and adds it to the
// list.
struct ReadingFile {
  std::mutex mutex;
  Place place;
  v1::Node node;
  TimePoint seen;
  std::uint64_t offset = 0;
  snapshot::ContentListBuilder list;
  bool known = false;  // to the checkpointer; the reading thread's
};

class Checkpointer {
 public:
  struct Context {
    store::BlobWriter& writer;
    CheckpointStore& store;
    Statistics& statistics;
    Targets& targets;
    CheckpointPace pace;
    unsigned threads = 1;  // that read
    std::atomic<bool>& has_differences;
  };
  explicit Checkpointer(Context context);
  ~Checkpointer();  // ends the thread, without a checkpoint

  // Records what the writer took over from an earlier process. Before start().
  void save_adopted() { save(false, nullptr); }
  // Starts the thread that makes checkpoints as they fall due. `failed` is called, from any thread and
  // perhaps more than once, when one fails, or the last destination does.
  void start(std::function<void()> failed);
  // When it returns, `failed` is not called any more: a save may still go on, and fail, when what the
  // callback refers to is gone.
  void stop_telling();

  // ---- Called by the reading threads ----
  // Before `bytes` of the source are read: waits while that would run too far ahead, or the spool is full.
  // Throws what a checkpoint or the last destination failed with; Error(kCancelled) when the run is to stop.
  void admit(std::uint64_t bytes);
  void finished(const std::shared_ptr<Folder>& folder, FinishedFile file);
  void finished(const std::shared_ptr<Folder>& parent, FinishedFolder folder);
  // Before content that is a difference is recorded anywhere.
  void note_difference() { context_.has_differences = true; }
  // While it is read.
  void begin_reading(std::shared_ptr<ReadingFile> file);
  void end_reading(const std::shared_ptr<ReadingFile>& file);

  // ---- Called by the run, with no reading thread left ----
  // The last one of a run that ends before its time: the run is to stop, or the last destination has failed.
  void save_now();
  // The last one before the commit, of the snapshot that is to be committed and with everything in finished
  // packs. May be called again, with the same one. Where the run is to stop, or the last destination has
  // failed, that is thrown, once it is saved.
  void save_last(const v1::Snapshot& snapshot);
  // Throws what a checkpoint or the last destination failed with.
  void check();

 private:
  void run();
  void end();
  void save(bool close_packs, const v1::Snapshot* decided);
  void save_all(bool close_packs, const v1::Snapshot* decided);
  void targets_changed();
  bool may_still_save();
  std::exception_ptr failure();
  void mark(const std::shared_ptr<Folder>& folder);

  Context context_;
  const std::uint64_t limit_;
  std::mutex callback_mutex_;  // held while the callback is called
  std::function<void()> failed_callback_;

  // Bytes of source. The last two are written with the mutex held, and are never above the first; a thread's
  // own share of it may be older than they are, so that only sums are compared.
  std::atomic<std::uint64_t> admitted_ = 0;
  std::atomic<std::uint64_t> covered_ = 0;   // of `admitted_`, by the last save
  std::atomic<std::uint64_t> begun_at_ = 0;  // `admitted_` when the last save began
  std::atomic<bool> failed_ = false;         // error_ is set

  std::mutex mutex_;  // of what follows
  std::condition_variable due_;
  std::condition_variable saved_;
  std::exception_ptr error_;
  bool is_destinations_error_ = false;
  // A save failed. What it took is in no checkpoint, and would be missing below what a later one records.
  bool is_broken_ = false;
  bool ending_ = false;
  std::set<std::shared_ptr<Folder>> unsaved_;
  std::set<std::shared_ptr<ReadingFile>> reading_;
  // Asks for mutex_: ended before that goes.
  const std::stop_token stop_ = StopScope::current();
  const std::stop_callback<std::function<void()>> on_stop_;
  std::jthread thread_;
};

}  // namespace garner::backup
