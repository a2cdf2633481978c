// Reads blobs out of packs at a destination. Thread-safe. Frames of data pass through a small cache, frames
// of metadata through a larger one, for neighbouring trees and lists stand in one frame.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "crypto/blob_id.h"
#include "destination/destination.h"
#include "store/index.h"
#include "store/lru_cache.h"
#include "store/pack.h"

namespace garner::store {

class BlobReader {
 public:
  // Everything referred to outlives the reader.
  BlobReader(destination::Destination& destination, const crypto::BlobHasher& hasher, const Index& index);
  ~BlobReader();

  // As BlobSource::read: tries every live location, then uncommitted packs.
  Bytes read(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id);
  // From a pack that is condemned.
  Bytes read_condemned(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id);
  // The raw bytes of a whole frame, past the cache, in `memory`. Error(kDamaged), also where the pack is
  // missing; errors of the destination.
  ByteView read_frame(const crypto::Keyring& keyring, const BlobLocation& location, Scratch& memory);
  // Replaces what read() knows of packs that are in no committed segment.
  void set_uncommitted(const std::vector<FinishedPack>& packs);
  // Forgets the headers of packs, and with them which keyring they are read with.
  void forget_packs() { packs_.clear(); }

 private:
  struct FrameKey {
    ObjectName pack;
    std::uint64_t offset = 0;
    bool operator==(const FrameKey&) const = default;
  };
  struct FrameKeyHash {
    std::size_t operator()(const FrameKey& key) const noexcept {
      return ObjectNameHash()(key.pack) ^ (key.offset * 0x9e3779b97f4a7c15u);
    }
  };
  using FrameCache = LruCache<FrameKey, Bytes, FrameKeyHash>;
  using Uncommitted = std::unordered_map<crypto::BlobId, BlobLocation, crypto::BlobIdHash>;

  std::shared_ptr<const Bytes> cached_frame(const crypto::Keyring& keyring, const BlobLocation& location);
  Bytes read_blob(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id,
                  const BlobLocation& location);
  template <typename Decode>
  auto decode_frame(const crypto::Keyring& keyring, const BlobLocation& location, const Decode& decode);
  std::shared_ptr<const PackReader> open_pack(const crypto::Keyring& keyring, const ObjectName& name);
  std::unique_ptr<FrameCodec> take_codec();
  void give_back(std::unique_ptr<FrameCodec> codec);

  destination::Destination& destination_;
  const crypto::BlobHasher& hasher_;
  const Index& index_;
  FrameCache data_frames_;
  FrameCache metadata_frames_;
  LruCache<ObjectName, PackReader, ObjectNameHash> packs_;
  std::mutex mutex_;  // of what follows
  std::vector<std::unique_ptr<FrameCodec>> idle_codecs_;
  std::shared_ptr<const Uncommitted> uncommitted_;
};

}  // namespace garner::store
