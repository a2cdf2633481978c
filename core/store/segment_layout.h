// The fixed-size rows of segment payloads (segment.h) and local tables (index_table.h), read and written in
// place.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/blob_id.h"
#include "store/little_endian.h"
#include "store/object_name.h"

namespace garner::store {

inline constexpr std::uint32_t kSegmentMagic = 0x47455347;
inline constexpr std::uint32_t kSegmentVersion = 1;
inline constexpr std::size_t kSegmentHeader = 24;
inline constexpr std::size_t kPackRow = 56;
inline constexpr std::size_t kFrameRow = 16;
inline constexpr std::size_t kEntryRow = 48;

inline constexpr std::uint8_t kInPack = 1;  // the location type

struct FrameRow {
  std::uint64_t offset = 0;
  std::uint32_t stored_length = 0;
  std::uint32_t raw_length = 0;

  static FrameRow load(const std::uint8_t* row) {
    return {load_le<std::uint64_t>(row), load_le<std::uint32_t>(row + 8), load_le<std::uint32_t>(row + 12)};
  }
  void store(std::uint8_t* row) const {
    store_le(row, offset);
    store_le(row + 8, stored_length);
    store_le(row + 12, raw_length);
  }
};

struct EntryRow {
  crypto::BlobId id;
  std::uint32_t pack = 0;
  std::uint32_t frame = 0;  // in its pack
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::uint8_t kind = 0;  // of the blob
  std::uint8_t location_type = kInPack;

  static EntryRow load(const std::uint8_t* row) {
    EntryRow entry;
    std::copy_n(row, entry.id.value.size(), entry.id.value.begin());
    entry.pack = load_le<std::uint32_t>(row + 32);
    entry.frame = load_le<std::uint32_t>(row + 36);
    entry.offset = load_le<std::uint32_t>(row + 40);
    std::uint32_t packed = load_le<std::uint32_t>(row + 44);
    entry.length = packed & 0xffffffu;
    entry.kind = static_cast<std::uint8_t>((packed >> 24) & 0xfu);
    entry.location_type = static_cast<std::uint8_t>(packed >> 28);
    return entry;
  }
  void store(std::uint8_t* row) const {
    std::ranges::copy(id.value, row);
    store_le(row + 32, pack);
    store_le(row + 36, frame);
    store_le(row + 40, offset);
    store_le(row + 44, length | (static_cast<std::uint32_t>(kind) << 24) |
                           (static_cast<std::uint32_t>(location_type) << 28));
  }
  auto operator<=>(const EntryRow&) const = default;
};

// A row of a payload's table of packs.
struct PackRow {
  ObjectName name;
  std::uint64_t size = 0;
  std::uint8_t kind = 0;
  std::uint32_t first_frame = 0;
  std::uint32_t frames = 0;

  static PackRow load(const std::uint8_t* row) {
    PackRow pack;
    std::copy_n(row, pack.name.value.size(), pack.name.value.begin());
    pack.size = load_le<std::uint64_t>(row + 32);
    pack.kind = row[40];
    pack.first_frame = load_le<std::uint32_t>(row + 48);
    pack.frames = load_le<std::uint32_t>(row + 52);
    return pack;
  }
  void store(std::uint8_t* row) const {
    std::ranges::copy(name.value, row);
    store_le(row + 32, size);
    row[40] = kind;
    std::fill_n(row + 41, 7, std::uint8_t{0});
    store_le(row + 48, first_frame);
    store_le(row + 52, frames);
  }
};

// Where the parts of a payload are. Owns nothing.
struct PayloadView {
  std::uint32_t packs = 0;
  std::uint32_t frames = 0;
  std::uint64_t entries = 0;
  const std::uint8_t* pack_rows = nullptr;
  const std::uint8_t* frame_rows = nullptr;
  const std::uint8_t* entry_rows = nullptr;

  PackRow pack(std::uint32_t number) const { return PackRow::load(pack_rows + number * kPackRow); }
  FrameRow frame(std::uint32_t number) const { return FrameRow::load(frame_rows + number * kFrameRow); }
  EntryRow entry(std::uint64_t number) const { return EntryRow::load(entry_rows + number * kEntryRow); }
};

// Checks the header and that the parts fill the payload, not what the rows hold. Error(kDamaged),
// Error(kNewerFormat).
PayloadView view_payload(ByteView payload);

}  // namespace garner::store
