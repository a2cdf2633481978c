// What a run need not read of the source, because another destination has it: files that are as that one's
// newest snapshot has them, and of which a destination that is fed lacks something.
//
// That snapshot is what the walk compares with, and it says nothing of what is stored where the run stores:
// each blob that an unchanged file refers to is looked up there, and what is lacking is handed over just
// then. So every file is either whole in the writer, or known at the destination, or is read like one that
// has changed: of a supplier that has lost or damaged something only those files cost reading that it is of.
//
// Data goes frame by frame. A frame of which at least half is lacking, and part of that snapshot, is sealed
// anew as it is, so that a pack that is lacking goes over whole; of others the wanted blobs are stored one by
// one. Every blob is held against its id before anything of its frame is stored.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/checkpointer.h"
#include "backup/statistics.h"
#include "backup/supplier.h"
#include "backup/wanted_blobs.h"
#include "base/scratch.h"
#include "garner/v1/store.pb.h"
#include "store/blob_writer.h"
#include "store/frame.h"
#include "store/pack.h"

namespace garner::backup {

namespace v1 = store::v1;

// Any thread.
class Supply {
 public:
  // All outlive it; suppliers and targets have the same names for content.
  struct Context {
    const std::vector<Supplier>& suppliers;   // asked in this order
    std::vector<store::Repository*> targets;  // that are fed
    store::BlobSource& source;                // all of both, as one
    store::BlobWriter& writer;
    Checkpointer& checkpointer;
    Statistics& statistics;
    unsigned lanes = 1;
    std::stop_token stop;
  };
  // Looks through the snapshot that the walk compares with, but for what is the same in `owned` (null: none),
  // which all targets list. Error(kDestinationAway), Error(kCancelled).
  Supply(Context context, const v1::Snapshot& compared, const v1::Snapshot* owned);
  ~Supply();

  // Gives the destinations what they lack of the file, or of everything below the folder. False when some of
  // it can be had from nobody, or may not be stored: then it is to be read from the source. `lane` is the
  // calling thread's. Error(kDestinationAway) when a supplier is; Error(kCancelled) after `stop`; the errors
  // of the writer and the checkpointer.
  bool bring(unsigned lane, const v1::Node& node);
  // Who gave something.
  std::set<std::string> gave() const;

 private:
  // A pack that frames are being taken from.
  struct OpenPack {
    OpenPack(const Supplier& from, const store::ObjectName& pack);
    const Supplier& supplier;
    const store::ObjectName name;
    const store::PackReader reader;
    const store::PackReader::Directory directory;
  };
  // What one thread carries with, and the frame that it has taken last: neighbours are asked for next.
  struct Lane {
    std::mutex mutex;
    store::FrameCodec codec;
    Scratch memory;
    Scratch sealed;
    std::shared_ptr<const OpenPack> pack;
    const store::PackedFrame* frame = nullptr;  // of the pack's directory; null: none
    ByteView raw;                               // in `memory`
  };

  bool bring_blob(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id);
  bool bring_from(const Supplier& supplier, unsigned number, const crypto::BlobId& id);
  void hand_on(Lane& lane, unsigned number, ByteView encoded);
  std::shared_ptr<const OpenPack> open(const Supplier& supplier, const store::ObjectName& pack);
  bool bring_alone(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id);
  bool try_to(const std::function<void()>& read);
  bool may_store_differences() const;
  void throw_if_stopped() const;
  void put(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id, ByteView content);
  void count(store::TargetSet targets, std::uint64_t bytes);
  void note(const std::string& supplier);

  const Context context_;
  WantedBlobs wanted_;  // of the snapshot
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<unsigned> told_ = 0;

  mutable std::mutex mutex_;                           // of what follows
  std::deque<std::shared_ptr<const OpenPack>> packs_;  // the one that was asked for last comes first
  std::set<std::string> gave_;
};

}  // namespace garner::backup
