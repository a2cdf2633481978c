// Takes the blobs of one run and makes packs of them, for one destination or for several of the same names:
// lanes gather blobs into frames; threads compress, seal and append frames to the open packs; full packs are
// finished (fsynced) on a thread of their own.
//
// A destination has a number, that of the run's request. Each blob goes to those that lack it: a frame, and a
// pack, hold only blobs that all of the destinations lack that it is for. So nothing is delivered in vain,
// and what all lack is compressed, sealed and written once. Where only one destination is there packs are
// made where it wants them; for several in a spool, from which each is given a second name of the file.
//
// A finished pack stays there, with its names known, until it was recorded: the caller first records durably
// what make_durable() or finish() told, then says so by recorded(), and what is recorded may be published. So
// a crash at any point leaves every pack either under the path or under the names it knows. The file goes
// when every destination that it is for has it, or has left.
//
// put(), put_metadata(), put_frame() and flush_lane() may be called from any threads (a lane is meant for
// one); make_durable(), finish() and recorded() from one thread at a time; publish_next() and forget() for
// each destination from one thread at a time. The first error of a background thread is thrown by every call
// of the first two groups that follows; what was made durable before stays durable.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/queue.h"
#include "store/durable_pack.h"
#include "store/repository.h"
#include "store/target_set.h"

namespace garner::store {

struct BlobWriterOptions {
  Uuid run;                    // begins the names of files
  std::string staging_folder;  // in which packs are made: the only destination's, or a spool; exists
  unsigned lanes = 1;          // for data; metadata has one of its own
  unsigned threads = 1;        // that compress and seal
  std::uint64_t thorough = 0;  // raw bytes of data, those that come first, compressed more thoroughly
  // Bytes of packs that may wait to be published before has_room() says no (and at most 200,000 blobs). 0:
  // any number, for a destination at which they are made in place.
  std::uint64_t spool_limit = 0;
};

// How much memory a lane and its share of the queue and of the compressing threads may take, in bytes.
inline constexpr std::size_t kMemoryPerLane = 16u << 20;

class BlobWriter {
 public:
  // For one destination, number 0.
  BlobWriter(Repository& repository, BlobWriterOptions options);
  // For those that are there, by number: null for the others, which count as having left. At least one is
  // there, at most kMostTargets. All have the same keyring and chunk sizes.
  BlobWriter(std::vector<Repository*> targets, BlobWriterOptions options);
  ~BlobWriter();  // ends the threads; files stay

  // What became of packs of an earlier process.
  struct Adopted {
    // By destination: packs that a committed segment names already. They are left out there.
    std::array<std::vector<Uuid>, kMostTargets> committed;
    // Destinations that lack packs which cannot be had any more here, and others have: they have left.
    std::map<unsigned, std::string> left;
  };
  // Takes over packs of an earlier process: closes what was open at its last durable frame. Before any put().
  // `since`: a record of each destination that is older than all that the run has published there
  // (Repository::await). Error(kNotFound) or Error(kDamaged) when one of them is nowhere.
  Adopted adopt(const std::vector<DurablePack>& packs, const Generations& since = {});

  // Stores a data blob at those destinations whose repository lacks it, unless this run has it for them.
  // Returns them: none where it was known everywhere.
  TargetSet put(unsigned lane, const crypto::BlobId& id, ByteView content);
  // The same for trees, content lists and snapshots; at none but those `among`.
  TargetSet put_metadata(crypto::BlobKind kind, const crypto::BlobId& id, ByteView content,
                         TargetSet among = 0xff);
  // The same for the blobs of one frame as they stand in another repository of the same keyring: `encoded` is
  // what FrameCodec::decode takes, and the caller has held each blob against its id. Nothing is stored where
  // all of them are known; otherwise the whole frame is. Returns how many raw bytes of it were new anywhere.
  // It is sealed and written on this thread, past the lane's frame.
  std::uint64_t put_frame(unsigned lane, PackKind kind, ByteView encoded, std::uint32_t raw_length,
                          const std::vector<FrameBlob>& blobs);
  // Whether each destination's repository or this run for it has the blob; then what refers to it rests on
  // it, as on one that put() found.
  bool refer(unsigned lane, const crypto::BlobId& id);
  // Those destinations that lack the blob, as they are now: nothing rests on the others' having it.
  TargetSet lacking(const crypto::BlobId& id);
  // This run has the blob in a pack for that destination, or on the way to one.
  bool holds(unsigned target, const crypto::BlobId& id);
  // Closes the lane's frames: before and after a big file, whose chunks fill frames of their own.
  void flush_lane(unsigned lane);

  // Makes everything put so far durable, and tells what is so since the last call.
  std::vector<DurablePack> make_durable();
  // The same, and closes the open packs: afterwards everything is in finished packs.
  std::vector<DurablePack> finish();
  // What was told is recorded durably: finished packs of it may be published. So is that the destinations
  // `left` have: files that only they lacked go.
  void recorded(TargetSet left = 0);
  // Packs with which nothing is left to do at any destination: whoever records may forget them. Drained by
  // the call.
  std::vector<Uuid> take_released();
  // Packs of the repository in which put() found what it did not store. Drained by the call.
  std::set<ObjectName> take_names(unsigned target = 0);

  // The destination is given nothing any more, and nobody waits for it to have room; what it was given stays
  // so. Files that it alone lacks stay until that is recorded: a process that died before that would go on
  // with it. Any thread.
  void leave(unsigned target);
  TargetSet live() const { return live_; }

  // Publishes a pack that is recorded, one of metadata first: other content may be read with its help. False
  // when there is none, or the destination has left.
  bool publish_next(unsigned target = 0);
  // recorded() and all of that at every destination, for whoever has no record to make.
  void publish();
  // Bytes of packs that are recorded and that the destination lacks.
  std::uint64_t undelivered(unsigned target = 0) const { return counts_.at(target).undelivered; }
  // Whether what recorded packs of metadata hold can be read from some destination.
  bool is_readable() const;
  // Whether more may be put: those who read the source wait otherwise. Whatever keeps it from being so is
  // recorded, so that it passes when packs are published.
  bool has_room() const;
  // Published packs that no call of forget() named.
  std::vector<FinishedPack> published(unsigned target = 0) const;
  struct Amount {
    std::uint64_t bytes = 0;
    std::uint64_t blobs = 0;
  };
  Amount published_amount(unsigned target = 0) const;
  // After a commit: the destination's index has these packs now. Or what they hold counts as not stored
  // there. Returns their ids.
  std::vector<Uuid> forget(const std::vector<FinishedPack>& packs, unsigned target = 0);

  // Blobs for that destination that put() and adopt() took and forget() has not released.
  std::size_t pending_blobs(unsigned target = 0) const { return counts_.at(target).pending_blobs; }
  // Bytes of packs written to that destination by this object.
  std::uint64_t stored_bytes(unsigned target = 0) const { return counts_.at(target).stored; }

 private:
  struct LaneFrame {
    TargetSet lacking = 0;
    FrameBuilder builder;
  };
  struct Lane {
    std::mutex mutex;
    std::vector<LaneFrame> frames;  // at most kOpenFrames, for different destinations
    std::array<std::set<ObjectName>, kMostTargets> names;
  };
  struct FrameTask {
    bool thorough = false;
    std::uint64_t ticket = 0;
    PackKind kind = PackKind::kData;
    TargetSet lacking = 0;
    FrameBuilder frame{0};
  };
  struct Delivery {
    ObjectName name;
    bool is_under_way = false;
    bool published = false;
    bool forgotten = false;  // committed, or given up
  };
  struct Pack {
    Uuid id;
    PackKind kind = PackKind::kData;
    TargetSet lacking = 0;
    std::string path;
    std::shared_ptr<PackWriter> writer;  // until it is finished
    bool is_finished = false;            // then the next three are set
    std::uint64_t size = 0;
    std::vector<PackedFrame> frames;
    std::array<Delivery, kMostTargets> deliveries;  // of those in `lacking`
    std::size_t told_frames = 0;
    bool told_finished = false;
    bool recorded = false;
    bool has_file = true;
    bool is_dropped = false;  // an earlier process left it open, and nobody is there who wants it
  };
  struct OpenPack {
    std::mutex mutex;
    std::shared_ptr<Pack> pack;
  };
  struct Shard {
    std::mutex mutex;
    // Of each blob the destinations for which this run has it.
    boost::unordered_flat_map<crypto::BlobId, TargetSet, crypto::BlobIdHash> blobs;
  };
  struct Counts {
    std::atomic<std::size_t> pending_blobs = 0;
    std::atomic<std::uint64_t> stored = 0;
    std::atomic<std::uint64_t> undelivered = 0;
  };

  // ---- Lanes (blob_writer.cc) ----
  TargetSet put_into(Lane& lane, PackKind kind, crypto::BlobKind blob_kind, const crypto::BlobId& id,
                     ByteView content, TargetSet among);
  TargetSet claim(const crypto::BlobId& id, Lane& lane, TargetSet among);
  void add_claim(const crypto::BlobId& id, TargetSet targets);
  void remove_claim(const crypto::BlobId& id, TargetSet targets);
  LaneFrame& frame_for(Lane& lane, PackKind kind, TargetSet lacking, std::size_t length,
                       std::vector<FrameTask>& ready);
  FrameTask take_frame(Lane& lane, PackKind kind, std::size_t number);
  std::vector<FrameTask> take_frames(Lane& lane, PackKind kind);
  void submit(std::vector<FrameTask> ready);
  std::uint64_t begin_frame();
  void end_frame(std::uint64_t ticket);
  void seal_frames();
  Bytes take_buffer();
  // Both return how many bytes they added to a pack.
  std::uint64_t append(PackKind kind, TargetSet lacking, ByteView encoded, std::uint32_t raw_length,
                       const std::vector<FrameBlob>& blobs);
  std::uint64_t append_to(OpenPack& open, PackKind kind, TargetSet lacking, ByteView encoded,
                          std::uint32_t raw_length, const std::vector<FrameBlob>& blobs);
  bool pay(std::uint64_t written);

  // ---- Packs (blob_writer_packs.cc) ----
  OpenPack& open_pack(PackKind kind, TargetSet lacking);
  PackContext context_of(TargetSet lacking) const;
  bool is_full(std::uint64_t size) const;
  void hand_to_finisher(OpenPack& open);
  void finish_packs();
  void wait_for_frames();
  void wait_for_finisher();
  std::vector<DurablePack> tell();
  bool tell_open(const std::shared_ptr<Pack>& pack,
                 const std::function<void(const std::vector<PackedFrame>&)>& take_frames);
  static void close(Pack& pack, FinishedPack finished);

  // ---- Destinations (blob_writer_delivery.cc) ----
  Repository& target(unsigned number) const { return *targets_[number]; }
  bool is_only(unsigned number) const { return only_ == static_cast<int>(number); }
  std::string delivery_path(const Pack& pack, unsigned number) const;
  std::shared_ptr<Pack> next_to_publish(unsigned number);
  void publish_pack(const Pack& pack, unsigned number);
  FinishedPack finished(const Pack& pack, unsigned number) const;
  bool is_settled(const Pack& pack, unsigned number) const;
  void tidy();
  std::shared_ptr<Pack> adopt_pack(const DurablePack& known, Adopted& adopted);
  void await_published(const Generations& since, Adopted& adopted);
  void leave_adopting(unsigned number, const Error& error, Adopted& adopted);
  void adopt_open(const DurablePack& known, Pack& pack);
  void adopt_finished(const DurablePack& known, Pack& pack, Adopted& adopted);
  void adopt_delivery(const DurablePack& known, Pack& pack, unsigned number, Adopted& adopted,
                      std::vector<unsigned>& to_rename);
  void adopt_file(const DurablePack& known, Pack& pack, const std::vector<unsigned>& to_rename,
                  bool is_elsewhere, Adopted& adopted);

  void fail(std::exception_ptr error);
  void check() const;

  const std::vector<Repository*> targets_;  // by number
  const BlobWriterOptions options_;
  const int only_;  // the number of the destination that is there, where no other is; -1
  std::atomic<TargetSet> live_;
  const std::size_t frame_target_;
  const std::size_t pack_target_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  Lane metadata_lane_;
  std::array<Shard, 64> shards_;
  std::array<Counts, kMostTargets> counts_;
  std::atomic<std::uint64_t> unpaid_ = 0;   // written for the only destination, which was not told of it
  std::atomic<std::uint64_t> waiting_ = 0;  // bytes of packs that some destination is still to be given
  std::atomic<std::uint64_t> waiting_blobs_ = 0;  // of these packs

  // Of a run, its threads wait for a limit no longer than it goes on and nothing has failed.
  std::stop_source failing_;
  const std::stop_callback<std::function<void()>> run_stops_;
  const std::stop_token stop_;

  BoundedQueue<FrameTask> frames_;
  BoundedQueue<std::shared_ptr<Pack>> to_finish_;

  std::mutex open_mutex_;
  std::map<std::pair<PackKind, TargetSet>, OpenPack> open_;  // entries stay

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t submitted_ = 0;  // raw bytes of data
  std::uint64_t submitted_metadata_ = 0;
  std::set<std::uint64_t> outstanding_;  // frames on their way into a pack
  std::size_t finishing_ = 0;
  std::vector<Bytes> buffers_;              // of frames that are done
  std::list<std::shared_ptr<Pack>> packs_;  // in the order they were begun
  TargetSet gone_ = 0;                      // have left, and that is recorded
  std::vector<Uuid> released_;
  std::exception_ptr error_;
  std::atomic<bool> failed_ = false;

  std::vector<std::jthread> sealers_;
  std::jthread finisher_;
};

}  // namespace garner::store
