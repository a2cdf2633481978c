// A frame: blobs of one kind of pack, one after the other, compressed and sealed as one message. Before
// sealing a frame is: u8 codec (0 stored, 1 zstd), u32 raw length (little-endian), payload.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/scratch.h"
#include "crypto/blob_id.h"

namespace garner::store {

inline constexpr std::size_t kMaximumFrame = 4u << 20;  // raw bytes; a frame that declares more is damaged
inline constexpr std::size_t kFrameHeader = 5;

struct FrameBlob {
  crypto::BlobId id;
  crypto::BlobKind kind = crypto::BlobKind::kData;
  std::uint32_t length = 0;  // raw bytes
};

// Gathers blobs. One thread at a time.
class FrameBuilder {
 public:
  // `target`: raw bytes at which a frame is full; room for target plus one blob is allocated as needed.
  // `buffer`: memory to use, what a frame before has left; its content is dropped.
  explicit FrameBuilder(std::size_t target, Bytes buffer = {}) : target_(target), raw_(std::move(buffer)) {
    raw_.clear();
  }
  // True if the blob may still be added: the frame is empty, or stays within kMaximumFrame.
  bool fits(std::size_t length) const { return raw_.empty() || raw_.size() + length <= kMaximumFrame; }
  void add(const crypto::BlobId& id, crypto::BlobKind kind, ByteView content);
  bool full() const { return raw_.size() >= target_; }
  bool empty() const { return blobs_.empty(); }
  ByteView raw() const { return raw_; }
  const std::vector<FrameBlob>& blobs() const { return blobs_; }
  Bytes take_buffer() { return std::move(raw_); }

 private:
  std::size_t target_;
  Bytes raw_;
  std::vector<FrameBlob> blobs_;
};

// Compresses and decompresses, with contexts that are reused. One thread at a time.
class FrameCodec {
 public:
  FrameCodec();
  ~FrameCodec();
  FrameCodec(const FrameCodec&) = delete;
  FrameCodec& operator=(const FrameCodec&) = delete;

  // The frame before sealing. Incompressible input (seen early, on samples, or because less than 2 % are
  // saved) is stored. At most kMaximumFrame raw bytes; none is fine (an empty folder's tree is an empty
  // blob). What is returned is the codec's own, until the next call.
  // `thorough`: a sixth less is stored of text, in more than twice the time.
  ByteView encode(ByteView raw, bool thorough = false);
  // The raw bytes, with no more memory than `raw_length` (at most kMaximumFrame). Error(kDamaged) for a
  // malformed frame or one whose length is not `raw_length`; Error(kNewerFormat) for an unknown codec.
  Bytes decode(ByteView plain, std::size_t raw_length);
  // Where in `plain` the raw bytes of a frame stand that is not compressed; nothing for one that is. Errors
  // as decode().
  static std::optional<ByteView> stored(ByteView plain, std::size_t raw_length);
  // The same as decode() in memory of the caller's, for whoever decodes one frame after the other.
  ByteView decode(ByteView plain, std::size_t raw_length, Scratch& memory);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace garner::store
