// Takes the blobs of one run and makes packs of them: lanes gather blobs into frames; threads compress, seal
// and append frames to the open packs; full packs are finished (fsynced) on a thread of their own.
//
// A finished pack stays in the staging folder, with its name known, until publish() is called: the caller
// first records the name durably, so that a crash at any point leaves every pack either under the path or
// under the name it knows.
//
// put(), put_metadata() and flush_lane() may be called from any threads (a lane is meant for one);
// make_durable(), finish(), publish() and forget() from one thread at a time. The first error of a background
// thread is thrown by every call that follows; what was made durable before stays durable.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/queue.h"
#include "store/durable_pack.h"
#include "store/repository.h"

namespace garner::store {

struct BlobWriterOptions {
  Uuid run;                    // begins the names of staging files
  std::string staging_folder;  // exists
  unsigned lanes = 1;          // for data; metadata has one of its own
  unsigned threads = 1;        // that compress and seal
  std::uint64_t thorough = 0;  // raw bytes of data, those that come first, compressed more thoroughly
};

// How much memory a lane and its share of the queue and of the compressing threads may take, in bytes.
inline constexpr std::size_t kMemoryPerLane = 16u << 20;

class BlobWriter {
 public:
  BlobWriter(Repository& repository, BlobWriterOptions options);
  ~BlobWriter();  // ends the threads; staging files stay

  // Takes over packs of an earlier process: closes what was open at its last durable frame. Packs that a
  // committed segment names already are left out and returned. Before any put(). Error(kNotFound) when one of
  // them is gone.
  std::vector<Uuid> adopt(const std::vector<DurablePack>& packs);

  // Stores a data blob unless the repository or this run has it. True if it was new.
  bool put(unsigned lane, const crypto::BlobId& id, ByteView content);
  // The same for trees, content lists and snapshots.
  bool put_metadata(crypto::BlobKind kind, const crypto::BlobId& id, ByteView content);
  // Whether the repository or this run has the blob; then what refers to it rests on it, as on one that put()
  // found.
  bool refer(unsigned lane, const crypto::BlobId& id);
  // This run has the blob in a pack of its own, or on the way to one.
  bool holds(const crypto::BlobId& id);
  // Closes the lane's frame: before and after a big file, whose chunks fill frames of their own.
  void flush_lane(unsigned lane);

  // Makes everything put so far durable, and tells what is so since the last call.
  std::vector<DurablePack> make_durable();
  // The same, and closes the open packs: afterwards everything is in finished packs.
  std::vector<DurablePack> finish();
  // Gives finished packs that were told (by make_durable or finish) their names at the destination.
  void publish();
  // Published packs that no call of forget() named.
  std::vector<FinishedPack> published() const;
  // After a commit: the repository's index has these packs now. Returns their ids.
  std::vector<Uuid> forget(const std::vector<FinishedPack>& packs);

  // Packs of the repository in which put() found what it did not store. Drained by the call.
  std::set<ObjectName> take_names();
  // Blobs that put() and adopt() took and forget() has not released.
  std::size_t pending_blobs() const { return pending_blobs_; }
  // Bytes written to packs by this object.
  std::uint64_t stored_bytes() const { return stored_bytes_; }

 private:
  struct Lane {
    std::mutex mutex;
    std::optional<FrameBuilder> frame;
    std::set<ObjectName> names;
  };
  struct FrameTask {
    bool thorough = false;
    std::uint64_t ticket = 0;
    PackKind kind = PackKind::kData;
    FrameBuilder frame{0};
  };
  struct Pack {
    Uuid id;
    PackKind kind = PackKind::kData;
    std::string path;
    std::shared_ptr<PackWriter> writer;  // until it is finished
    std::optional<FinishedPack> finished;
    std::size_t told_frames = 0;
    bool told_finished = false;
    bool published = false;
  };
  struct OpenPack {
    std::mutex mutex;
    std::shared_ptr<Pack> pack;
  };
  struct Shard {
    std::mutex mutex;
    boost::unordered_flat_set<crypto::BlobId, crypto::BlobIdHash> blobs;
  };

  bool put_into(Lane& lane, PackKind kind, crypto::BlobKind blob_kind, const crypto::BlobId& id,
                ByteView content);
  bool claim(const crypto::BlobId& id, Lane& lane);
  void submit(Lane& lane, PackKind kind, std::unique_lock<std::mutex>& lock);
  void seal_frames();
  void finish_packs();
  Bytes take_buffer();
  // Both return how many bytes they added to a pack.
  std::uint64_t append(FrameCodec& codec, FrameTask& task);
  std::uint64_t append_to(OpenPack& open, ByteView encoded, const FrameTask& task);
  bool pay(std::uint64_t written);
  bool is_full(std::uint64_t size) const;
  void hand_to_finisher(OpenPack& open);
  void wait_for_frames();
  void wait_for_finisher();
  std::vector<DurablePack> tell();
  bool tell_open(const std::shared_ptr<Pack>& pack,
                 const std::function<void(const std::vector<PackedFrame>&)>& take_frames);
  void fail(std::exception_ptr error);
  void check() const;

  Repository& repository_;
  const BlobWriterOptions options_;
  const std::size_t frame_target_;
  const std::size_t pack_target_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  Lane metadata_lane_;
  std::array<Shard, 64> shards_;
  std::atomic<std::size_t> pending_blobs_ = 0;
  std::atomic<std::uint64_t> stored_bytes_ = 0;
  std::atomic<std::uint64_t> unpaid_ = 0;  // of stored_bytes_: the destination was not told of them

  // Of a run, its threads wait for a limit no longer than it goes on and nothing has failed.
  std::stop_source failing_;
  const std::stop_callback<std::function<void()>> run_stops_;
  const std::stop_token stop_;

  BoundedQueue<FrameTask> frames_;
  BoundedQueue<std::shared_ptr<Pack>> to_finish_;
  std::array<OpenPack, 2> open_;  // by kind - 1

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t submitted_ = 0;  // raw bytes of data
  std::uint64_t submitted_metadata_ = 0;
  std::set<std::uint64_t> outstanding_;  // frames on their way into a pack
  std::size_t finishing_ = 0;
  std::vector<Bytes> buffers_;              // of frames that are done
  std::list<std::shared_ptr<Pack>> packs_;  // in the order they were begun
  std::exception_ptr error_;
  std::atomic<bool> failed_ = false;

  std::vector<std::jthread> sealers_;
  std::jthread finisher_;
};

}  // namespace garner::store
