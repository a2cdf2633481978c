// Fills restored files with their content, and finishes them.
//
// One thread gathers which blobs go where (a batch). A flush then reads each frame of the batch once,
// verifies each blob against its id, and writes it to every file that needs it, on several threads. A file
// whose content is complete is not finished at once: when enough of them wait, all file systems of the target
// are synced, and only then each gets owner, mode, attributes and its time. So a file that looks right is
// right, also after a power failure.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "restore/content_batch.h"
#include "restore/hard_links.h"
#include "restore/open_files.h"
#include "restore/report.h"
#include "store/difference.h"
#include "store/frame_run.h"
#include "store/repository.h"

namespace garner::restore {

class ContentWriter {
 public:
  // `budget`: bytes of references to content after which a batch is written.
  ContentWriter(store::Repository& repository, HardLinks& links, Report& report, unsigned threads,
                std::size_t budget, std::stop_token stop)
      : repository_(repository),
        links_(links),
        report_(report),
        threads_(threads),
        stop_(std::move(stop)),
        batch_(budget) {}

  // Gathers the content of a file; flushes when the batch is full. `status`: of the file, if it was created
  // in the folder; otherwise it is created by the thread that writes to it first. `is_temporary`: it stands,
  // or will, under its temporary name, and gets its own when it is finished. Methods are called by one
  // thread. Damage is told of the file, which is then removed; errors that concern more than a file are
  // thrown, and leave files unfinished.
  void add(const std::shared_ptr<TargetFolder>& folder, std::uint32_t source, const v1::Node& node,
           const std::optional<struct stat>& status, bool is_temporary);
  // Whether the file added under this inode waits to be written, and if so whether under its temporary name.
  bool is_pending(std::uint64_t inode) const { return linked_files_.contains(inode); }
  bool is_temporary(std::uint64_t inode);
  // The pending file got another name. `is_temporary`: as add's, of this name.
  void add_other_name(std::uint64_t inode, const std::shared_ptr<TargetFolder>& folder,
                      const std::string& name, bool is_temporary);
  // Writes and finishes everything gathered.
  void flush();

 private:
  struct VerifiedBlob {
    std::optional<ByteView> content;  // in the frame or in `own`; nothing when damaged
    Bytes own;
    std::string error;
  };
  // One thread's, used again from frame to frame.
  struct Memory {
    Scratch frame;
    store::FrameRun run{{}, 0};
    Scratch applied;
    store::DifferenceCodec differences;
  };
  void gather(const v1::Node& node);
  // Where the blob is said to be, with this length if one is given; nothing where nobody says so.
  std::optional<store::BlobLocation> locate(const crypto::BlobId& id,
                                            std::optional<std::uint64_t> length = {}) const;
  bool gather_blob(std::uint64_t offset, const v1::ContentEntry& entry);
  bool gather_difference(std::uint64_t offset, const v1::ContentEntry& entry);
  void write_batch();
  void run_threads(std::size_t tasks, const std::function<void()>& work);
  void write_frames(const std::vector<std::size_t>& begins);
  // Frames that a thread has taken.
  store::FrameRun run_of(const std::vector<std::size_t>& begins, std::size_t first, std::size_t end) const;
  void write_frame(std::size_t begin, std::size_t end, Memory& memory);
  VerifiedBlob verify(const Piece& piece, const std::optional<ByteView>& frame);
  VerifiedBlob apply(const PieceDifference& difference, ByteView base, Memory& memory);
  Bytes read(const crypto::BlobId& id);
  void write_piece(const Piece& piece, ByteView content);
  void fail(std::uint32_t file, const std::string& message);
  // One piece of the file is done with, written or not.
  void count_down(std::uint32_t file);
  // Makes durable what was written so far, and finishes the files that waited for it.
  void settle();
  // False when one of the threads was told of an error. The kernel tells each only once.
  bool sync();
  std::vector<std::uint32_t> take_waiting();
  void finish(std::uint32_t file);
  void discard(std::uint32_t file);
  // The names of the file, its node's first.
  void for_each_name(
      std::uint32_t file, const std::string& name,
      const std::function<void(TargetFolder& folder, const std::string& name, bool is_temporary)>& use);
  bool stopped() const { return stop_.stop_requested() || broken_.load(std::memory_order_relaxed); }
  void throw_if_stopped() const;

  store::Repository& repository_;
  HardLinks& links_;
  Report& report_;
  const unsigned threads_;
  const std::stop_token stop_;
  ContentBatch batch_;
  std::uint32_t gathering_ = 0;                                    // the file of the batch
  std::unordered_map<std::uint64_t, std::uint32_t> linked_files_;  // of the batch, by inode
  std::unique_ptr<OpenFiles> open_files_;                          // while frames are written

  std::atomic<std::size_t> next_ = 0;  // frame or file that no thread has taken
  std::atomic<bool> broken_ = false;
  std::atomic<std::uint64_t> unsynced_bytes_ = 0;
  std::mutex syncing_;
  std::mutex mutex_;  // of what follows
  std::exception_ptr error_;
  std::unordered_map<std::uint32_t, std::string> messages_;  // why a file failed
  std::vector<std::uint32_t> waiting_;                       // complete, but not durable
};

}  // namespace garner::restore
