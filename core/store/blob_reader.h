// Reads blobs out of packs at a destination, frame by frame through a cache; metadata, where it is kept on
// this machine, from there. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "crypto/blob_id.h"
#include "destination/destination.h"
#include "store/blob_source.h"
#include "store/frame_cache.h"
#include "store/frame_run.h"
#include "store/index.h"
#include "store/lru_cache.h"
#include "store/metadata_cache.h"
#include "store/pack.h"

namespace garner::store {

class BlobReader {
 public:
  // Everything referred to outlives the reader. `frames`: what it has read, bounded together with whoever
  // else has it; without one this reader has its own. `kept`: packs of metadata on this machine; may be null.
  BlobReader(destination::Destination& destination, const crypto::BlobHasher& hasher, const Index& index,
             std::shared_ptr<FrameCache> frames = nullptr, MetadataCache* kept = nullptr);
  ~BlobReader();

  // As BlobSource::view: tries every live location, then uncommitted packs.
  BlobView view(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id);
  // As BlobSource::read.
  Bytes read(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id);
  // The same of what is at the destination now: from nothing that was read or kept before `view` was made by
  // new_view().
  Bytes read_stored(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id,
                    std::uint64_t view);
  std::uint64_t new_view() { return frames_->new_reader(); }
  // The same of packs that are kept on this machine, and of nothing else: the destination is not asked.
  Bytes read_kept(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id);
  // From a pack that is condemned.
  Bytes read_condemned(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id);
  // The raw bytes of a whole frame, from the destination, in `memory`. Error(kDamaged), also where the pack
  // is missing; errors of the destination. `run`: frames of which it may be one; may be null.
  ByteView read_frame(const crypto::Keyring& keyring, const BlobLocation& location, Scratch& memory,
                      FrameRun* run);
  // Replaces what read() knows of packs that are in no committed segment.
  void set_uncommitted(const std::vector<FinishedPack>& packs);
  // Forgets the headers of packs, and with them which keyring they are read with.
  void forget_packs() {
    packs_.clear();
    kept_packs_.clear();
  }

 private:
  using Uncommitted = std::unordered_map<crypto::BlobId, BlobLocation, crypto::BlobIdHash>;

  // How a frame may be come by.
  struct Way {
    std::uint64_t frames = 0;  // those in memory of this reader or view
    bool from_kept = false;
    bool from_place = true;
  };

  using Frame = std::shared_ptr<const RawFrame>;

  BlobView view_by(const Way& way, const crypto::Keyring& keyring, crypto::BlobKind kind,
                   const crypto::BlobId& id);
  Frame cached_frame(const Way& way, const crypto::Keyring& keyring, const BlobLocation& location);
  // As it is at the destination.
  Frame stored_frame(const Way& way, const crypto::Keyring& keyring, const BlobLocation& location);
  // Null where it is not kept, or is no good.
  Frame kept_frame(const Way& way, const crypto::Keyring& keyring, const BlobLocation& location);
  BlobView view_blob(const Way& way, const crypto::Keyring& keyring, crypto::BlobKind kind,
                     const crypto::BlobId& id, const BlobLocation& location);
  // `decode` is given a codec, the frame as it was sealed, and the memory that this stands in.
  template <typename Decode>
  auto decode_frame(const crypto::Keyring& keyring, const BlobLocation& location, FrameRun* run,
                    const Decode& decode);
  std::shared_ptr<const PackReader> open_pack(const crypto::Keyring& keyring, const ObjectName& name);
  std::shared_ptr<const PackReader> open_kept(const Way& way, const crypto::Keyring& keyring,
                                              const ObjectName& name);
  void note_unsound(const ObjectName& name);
  bool is_to_be_kept(const ObjectName& name, std::uint64_t size);
  std::unique_ptr<FrameCodec> take_codec();
  void give_back(std::unique_ptr<FrameCodec> codec);

  destination::Destination& destination_;
  const crypto::BlobHasher& hasher_;
  const Index& index_;
  const std::shared_ptr<FrameCache> frames_;
  MetadataCache* const kept_;
  const std::uint64_t number_;  // among the cache's readers
  LruCache<ObjectName, PackReader, ObjectNameHash> packs_;
  LruCache<ObjectName, PackReader, ObjectNameHash> kept_packs_;
  std::mutex mutex_;                                                    // of what follows
  std::unordered_map<ObjectName, unsigned, ObjectNameHash> asked_for_;  // frames of packs that are not kept
  std::set<ObjectName> unsound_;  // packs of which a kept copy was no good, or could not be kept
  std::vector<std::unique_ptr<FrameCodec>> idle_codecs_;
  std::shared_ptr<const Uncommitted> uncommitted_;
};

}  // namespace garner::store
