// Decides when a checkpoint falls due, makes it, and holds back reading that would run too far ahead of it.
//
// A checkpoint is made in this order: what finished so far is taken from the folders and the files in
// progress; every frame put before is made durable; the catalog records both in one transaction; packs whose
// names it recorded are given these names at the destination; and every so often what is published is
// committed under the run's unfinished root. Whatever is taken after the first step belongs to the next
// checkpoint. A crash at any point leaves the last transaction, whose frames are durable, and packs under
// names that it knows.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "backup/checkpoint.h"
#include "backup/checkpoint_pace.h"
#include "backup/folder.h"
#include "backup/statistics.h"
#include "snapshot/content_list.h"
#include "store/blob_writer.h"

namespace garner::backup {

// The bound of DESIGN section 5, in bytes of source read beyond the last checkpoint.
inline constexpr std::uint64_t kMaximumUnsaved = 256u << 20;
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
    store::Repository& repository;
    store::BlobWriter& writer;
    CheckpointStore& store;
    Statistics& statistics;
    Uuid run;
    CheckpointPace pace;
    unsigned threads = 1;  // that read
    std::vector<crypto::BlobId> base_snapshots;
    std::set<store::ObjectName> names;                          // as the checkpoint has them
    std::vector<Uuid> committed_packs;                          // to be forgotten with the next save
    bool has_root = false;                                      // the log has this run's unfinished root
    bool has_differences = false;                               // what the checkpoint has may hold some
    std::function<std::shared_ptr<void>()> during_commit = {};  // as in BackupOptions
  };
  explicit Checkpointer(Context context);
  ~Checkpointer();  // ends the thread, without a checkpoint

  // Records what the writer took over from an earlier process, and publishes it. Before start().
  void save_adopted() { save(false); }
  // Starts the thread that makes checkpoints as they fall due. `failed` is called on it, once, when one
  // fails.
  void start(std::function<void()> failed);
  // When it returns, `failed` is not called any more: a save may still go on, and fail, when what the
  // callback refers to is gone.
  void stop_telling();

  // ---- Called by the reading threads ----
  // Before `bytes` of the source are read: waits while that would run too far ahead. Throws what a checkpoint
  // failed with.
  void admit(std::uint64_t bytes);
  void finished(const std::shared_ptr<Folder>& folder, FinishedFile file);
  void finished(const std::shared_ptr<Folder>& parent, FinishedFolder folder);
  // Before content that is a difference is recorded anywhere.
  void note_difference() { has_differences_ = true; }
  // While it is read.
  void begin_reading(std::shared_ptr<ReadingFile> file);
  void end_reading(const std::shared_ptr<ReadingFile>& file);

  // ---- Called by the run, with no reading thread left ----
  // The last one; `close_packs`: everything then is in published packs.
  void save_now(bool close_packs);
  // Throws what a checkpoint failed with.
  void check();
  // What the run's snapshot rests on.
  const std::set<store::ObjectName>& names() const { return names_; }
  bool has_root() const { return has_root_; }
  // The run's content may hold differences, which its records have to say.
  bool has_differences() const { return has_differences_; }

 private:
  void run();
  void save(bool close_packs);
  void commit_root();
  void mark(const std::shared_ptr<Folder>& folder);

  Context context_;
  const std::uint64_t limit_;
  std::set<store::ObjectName> names_;
  std::set<store::ObjectName> new_names_;  // of names_, what no save has recorded
  std::vector<Uuid> committed_packs_;
  bool has_root_;
  std::atomic<bool> has_differences_;
  bool may_commit_ = true;
  std::chrono::steady_clock::time_point last_commit_;
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
  bool ending_ = false;
  std::set<std::shared_ptr<Folder>> unsaved_;
  std::set<std::shared_ptr<ReadingFile>> reading_;
  std::jthread thread_;
};

}  // namespace garner::backup
