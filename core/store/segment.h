// An index segment: an immutable sorted table from blob id to blob location, as an object of a destination. The layout
// of the payload is also that of the local tables that lookups search through mmap (index_table.h).
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/keyring.h"
#include "store/object_name.h"
#include "store/pack.h"

namespace garner::store {

inline constexpr std::size_t kMaximumInlinedSegment = 4u << 10;  // stored bytes of a segment that a record may hold

// Where a blob is.
struct BlobLocation {
  ObjectName pack;
  std::uint64_t frame_offset = 0;         // in the pack
  std::uint32_t frame_stored_length = 0;
  std::uint32_t frame_raw_length = 0;
  std::uint32_t offset = 0;               // in the raw frame
  std::uint32_t length = 0;               // raw bytes
  crypto::BlobKind kind = crypto::BlobKind::kData;
};

// The payload (docs/format.md): the table of packs with their frames, then fixed-size entries, ascending by id. A blob
// that several packs hold has an entry for each.
Bytes build_segment_payload(const std::vector<FinishedPack>& packs);
// Number of entries. Error(kDamaged) unless everything is within bounds, sorted and consistent.
std::uint64_t check_segment_payload(ByteView payload);

struct SealedSegment {
  ObjectName name;
  Bytes object;
  std::uint64_t entries = 0;
};
SealedSegment seal_segment(ByteView payload, const crypto::Keyring& keyring, const Uuid& repository,
                           const Uuid& writer);
// The checked payload. Error(kDamaged) when the bytes are not those the name says; Error(kNewerFormat).
Bytes open_segment(const ObjectName& name, ByteView object, const crypto::Keyring& keyring, const Uuid& repository);

}  // namespace garner::store
