#include "store/table_layout.h"

#include <algorithm>
#include <limits>

namespace garner::store {

void TableLayout::store(std::uint8_t* header) const {
  std::ranges::copy(as_bytes(kTableMagic), header);
  store_le(header + 8, kTableVersion);
  store_le(header + 12, segment_count);
  store_le(header + 16, pack_count);
  store_le(header + 20, frame_count);
  store_le(header + 24, link_count);
  store_le(header + 28, block_count);
  store_le(header + 32, entry_count);
  store_le(header + 40, file_size());
}

bool TableLayout::load(ByteView header, std::uint64_t size_of_file) {
  if (header.size() < kTableHeader || as_text(header.first(8)) != kTableMagic) return false;
  if (load_le<std::uint32_t>(header.data() + 8) != kTableVersion) return false;
  segment_count = load_le<std::uint32_t>(header.data() + 12);
  pack_count = load_le<std::uint32_t>(header.data() + 16);
  frame_count = load_le<std::uint32_t>(header.data() + 20);
  link_count = load_le<std::uint32_t>(header.data() + 24);
  block_count = load_le<std::uint32_t>(header.data() + 28);
  entry_count = load_le<std::uint64_t>(header.data() + 32);
  return entry_count <= std::numeric_limits<std::uint32_t>::max() &&
         block_count == filter::blocks_for(entry_count) &&
         load_le<std::uint64_t>(header.data() + 40) == size_of_file && file_size() == size_of_file;
}

TablePack TablePack::load(const std::uint8_t* row) {
  return {load_le<std::uint64_t>(row),
          load_le<std::uint64_t>(row + 8),
          load_le<std::uint32_t>(row + 16),
          load_le<std::uint32_t>(row + 20),
          row[24],
          row[25] != 0};
}

void TablePack::store(std::uint8_t* row) const {
  store_le(row, size);
  store_le(row + 8, entries);
  store_le(row + 16, first_frame);
  store_le(row + 20, frames);
  row[24] = kind;
  row[25] = dropped ? 1 : 0;
  std::fill_n(row + 26, 6, std::uint8_t{0});
}

namespace filter {
namespace {

// The bit that probe `i` of an id looks at: 24 bits of the id, scaled.
std::uint32_t bit_of(const std::uint8_t* id, unsigned i) {
  const std::uint8_t* at = id + 8 + 3 * i;
  std::uint32_t hash = at[0] | (std::uint32_t{at[1]} << 8) | (std::uint32_t{at[2]} << 16);
  return static_cast<std::uint32_t>((std::uint64_t{hash} * kBits) >> 24);
}

}  // namespace

std::uint32_t blocks_for(std::uint64_t entries) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, entries * 12 / (kFilterBlock * 8)));
}

void insert(std::uint8_t* block, const std::uint8_t* id) {
  for (unsigned i = 0; i < kProbes; ++i) {
    std::uint32_t bit = bit_of(id, i);
    std::uint8_t& byte = block[4 + bit / 8];
    byte = static_cast<std::uint8_t>(byte | (1u << (bit % 8)));
  }
}

bool may_contain(const std::uint8_t* block, const std::uint8_t* id) {
  for (unsigned i = 0; i < kProbes; ++i) {
    std::uint32_t bit = bit_of(id, i);
    if ((block[4 + bit / 8] & (1u << (bit % 8))) == 0) return false;
  }
  return true;
}

}  // namespace filter
}  // namespace garner::store
