// The file of a local index table. It is local and can be made again: its layout may change with any version
// of the program, which then finds it foreign.
//
//   header    128 bytes: 8 "GARNTABL" · u32 version · u32 segments · u32 packs · u32 frames · u32 links · u32
//   filter
//             blocks · u64 entries · u64 size of the file · BLAKE3(frames ‖ entries) · BLAKE3(the 80 bytes
//             before ‖ segments ‖ packs ‖ links) · zero
//   segments  names, ascending: those that went into the table
//   names     of packs, ascending; a name may come twice where segments disagree about the pack
//   packs     32 bytes each: u64 size · u64 entries in this table · u32 first frame · u32 frames · u8 kind ·
//   u8 dropped
//             · 6 zero. Of a dropped pack the table has the name only: it was dead when the table was made
//   links     8 bytes each, ascending: u32 segment · u32 pack that it names
//   frames    as in a segment's payload
//   filter    64 bytes a block (below), aligned to 64
//   entries   as in a segment's payload, ascending by id, aligned to 4,096
//
// Ids are hashes. Block b of n has those whose first 32 bits, as a fraction of 2^32, are in [b/n, (b+1)/n):
// so their entries are consecutive. A block is the number of its first entry (u32) and 480 bits of a Bloom
// filter, in which an id sets 7 that bytes 8 to 28 of it choose. With at most 12 bits an entry (42 entries a
// block on average) about 0.6 % of absent ids pass. So a search touches one cache line, and if it passes one
// or two pages of entries.
#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/blob_id.h"
#include "store/segment_layout.h"

namespace garner::store {

inline constexpr std::string_view kTableMagic = "GARNTABL";
inline constexpr std::uint32_t kTableVersion = 1;
inline constexpr std::size_t kTableHeader = 128;
inline constexpr std::size_t kContentDigest = 48;  // place in the header
inline constexpr std::size_t kTablesDigest = 80;
inline constexpr std::size_t kTablePackRow = 32;
inline constexpr std::size_t kLinkRow = 8;
inline constexpr std::size_t kFilterBlock = 64;

// The counts of a header, and the places of the parts that follow from them.
struct TableLayout {
  std::uint32_t segment_count = 0;
  std::uint32_t pack_count = 0;
  std::uint32_t frame_count = 0;
  std::uint32_t link_count = 0;
  std::uint32_t block_count = 0;
  std::uint64_t entry_count = 0;  // below 2^32

  std::uint64_t segments() const { return kTableHeader; }
  std::uint64_t names() const { return segments() + 32 * std::uint64_t{segment_count}; }
  std::uint64_t packs() const { return names() + 32 * std::uint64_t{pack_count}; }
  std::uint64_t links() const { return packs() + kTablePackRow * std::uint64_t{pack_count}; }
  std::uint64_t tables_end() const { return links() + kLinkRow * std::uint64_t{link_count}; }
  std::uint64_t frames() const { return aligned(tables_end(), 64); }
  std::uint64_t filter() const {
    return aligned(frames() + kFrameRow * std::uint64_t{frame_count}, kFilterBlock);
  }
  std::uint64_t entries() const {
    return aligned(filter() + kFilterBlock * std::uint64_t{block_count}, 4096);
  }
  std::uint64_t file_size() const { return entries() + kEntryRow * entry_count; }

  void store(std::uint8_t* header) const;
  // False unless the header is one of this version whose parts make up `file_size` bytes.
  bool load(ByteView header, std::uint64_t size_of_file);

 private:
  static std::uint64_t aligned(std::uint64_t offset, std::uint64_t to) { return (offset + to - 1) / to * to; }
};

// What a table says of a pack.
struct TablePack {
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
  std::uint32_t first_frame = 0;
  std::uint32_t frames = 0;
  std::uint8_t kind = 0;
  bool dropped = false;

  static TablePack load(const std::uint8_t* row);
  void store(std::uint8_t* row) const;
};

namespace filter {

inline constexpr unsigned kBits = 480;
inline constexpr unsigned kProbes = 7;

std::uint32_t blocks_for(std::uint64_t entries);
inline std::uint64_t prefix(const std::uint8_t* id) {
  return (std::uint64_t{id[0]} << 24) | (std::uint64_t{id[1]} << 16) | (std::uint64_t{id[2]} << 8) | id[3];
}
inline std::uint32_t block_of(const std::uint8_t* id, std::uint32_t blocks) {
  return static_cast<std::uint32_t>((prefix(id) * blocks) >> 32);
}
// Where among the `count` entries of its block an id is expected.
inline std::uint64_t position_in_block(const std::uint8_t* id, std::uint32_t blocks, std::uint64_t count) {
  return ((prefix(id) * blocks & 0xffff'ffff) * count) >> 32;
}
void insert(std::uint8_t* block, const std::uint8_t* id);
bool may_contain(const std::uint8_t* block, const std::uint8_t* id);
inline std::uint32_t first_entry(const std::uint8_t* block) { return load_le<std::uint32_t>(block); }

}  // namespace filter
}  // namespace garner::store
