// An index segment: an immutable sorted table from blob id to blob location, as an object of a destination.
//
// Payload, integers little-endian, every part aligned to 8 bytes:
//   header   24 bytes: u32 magic 0x47455347 ("GSEG") · u32 version (1) · u32 packs · u32 frames · u64 entries
//   packs    56 bytes each, ascending by name, no name twice: 32 name · u64 size of the pack · u8 kind (1
//   data,
//            2 metadata) · 7 zero · u32 first of its frames in the next part · u32 number of its frames
//   frames   16 bytes each, those of the first pack first, without gaps; a pack's ascending by offset, not
//            overlapping: u64 offset in the pack · u32 sealed length · u32 raw length
//   entries  48 bytes each, strictly ascending by (id as unsigned bytes, pack, frame, offset): 32 blob id ·
//   u32 pack ·
//            u32 frame, counted in its pack from 0 · u32 offset in the raw frame · u32: bits 0-23 raw length,
//            bits 24-27 blob kind (1 data, 2 tree, 3 content list, 4 snapshot), bits 28-31 location type (1 a
//            pack; 2, a replicated file, is reserved)
//
// Sealed object: 8 "GARNINDX" · u16 version (1) · u16 zero · u32 epoch · 32 salt · sealed messages (part
// body, counter 0, 1, 2, …) of 1 MiB of plaintext each, the last one shorter. Their plaintexts one after the
// other are: u64 length of the payload · payload · zero bytes that bring the object to padded_object_size().
// Associated data: repository uuid.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/keyring.h"
#include "store/object_name.h"
#include "store/pack.h"

namespace garner::store {

inline constexpr std::size_t kMaximumInlinedSegment =
    4u << 10;  // stored bytes of a segment that a record may hold

// A writer begins another segment at this many entries (6 MiB), so that whoever opens one needs little
// memory. A single pack's blobs stay together, so a segment may be longer; beyond kMaximumSegment stored
// bytes none is read.
inline constexpr std::uint64_t kSegmentTarget = 128u << 10;
inline constexpr std::uint64_t kMaximumSegment = 256u << 20;

// Where a blob is.
struct BlobLocation {
  ObjectName pack;
  std::uint64_t frame_offset = 0;  // in the pack
  std::uint32_t frame_stored_length = 0;
  std::uint32_t frame_raw_length = 0;
  std::uint32_t offset = 0;  // in the raw frame
  std::uint32_t length = 0;  // raw bytes
  crypto::BlobKind kind = crypto::BlobKind::kData;
};

// The payload of these packs, in any order. A blob that several packs hold has an entry for each. Equal packs
// give equal bytes.
Bytes build_segment_payload(const std::vector<FinishedPack>& packs);
// Number of entries. Error(kDamaged) unless everything is within bounds, sorted and consistent;
// Error(kNewerFormat) for a version or type of location that this program does not know.
std::uint64_t check_segment_payload(ByteView payload);

struct SealedSegment {
  ObjectName name;
  Bytes object;
  std::uint64_t entries = 0;
};
SealedSegment seal_segment(ByteView payload, const crypto::Keyring& keyring, const Uuid& repository,
                           const Uuid& writer);
// The checked payload. Error(kDamaged) when the bytes are not those the name says; Error(kNewerFormat);
// Error(kWrongKey) for an unknown epoch.
Bytes open_segment(const ObjectName& name, ByteView object, const crypto::Keyring& keyring,
                   const Uuid& repository);

}  // namespace garner::store
