// Differences: a blob as what has to be added to another one, its base. The patch is one zstd frame (without
// content size and checksum) that was compressed, and is decompressed, with the bytes of the base in front of
// it: a raw content dictionary, in zstd's words. It is stored as a data blob like any other.
//
// A base is always a blob that is stored itself, so that reading takes one base and one patch, however many
// versions there were.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/scratch.h"
#include "crypto/blob_id.h"

namespace garner::store {

// Base and content together, at most: what bounds the memory that a difference takes.
inline constexpr std::size_t kMaximumDifference = 1u << 20;

// Makes and applies patches, with contexts that are reused. One thread at a time.
class DifferenceCodec {
 public:
  DifferenceCodec();
  ~DifferenceCodec();
  DifferenceCodec(const DifferenceCodec&) = delete;
  DifferenceCodec& operator=(const DifferenceCodec&) = delete;

  // The patch that makes `content` of `base`. Nothing where it would not be much smaller than the content
  // compressed by itself, or both are longer than kMaximumDifference. It was applied once before it is
  // returned, so that whatever is returned can be read. It is the codec's own, until the next call.
  // `thorough`: a sixth less is stored of sources, in three times the time.
  std::optional<ByteView> encode(ByteView base, ByteView content, bool thorough);
  // The content, `length` bytes of it (at most kMaximumFrame), in `memory`. Error(kDamaged) for a malformed
  // patch, or one that gives another length. What comes out is not verified against an id.
  ByteView decode(ByteView base, ByteView patch, std::size_t length, Scratch& memory);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace garner::store
