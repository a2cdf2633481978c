#include "chunking/chunker.h"

#include <algorithm>
#include <bit>
#include <string>

#include "base/error.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"

namespace garner::chunking {

namespace {

constexpr std::uint32_t kSmallestMinimum = 1u << 10;
constexpr std::uint32_t kLargestMaximum = 4u << 20;
// A byte is shifted out of the 64-bit hash after this many steps.
constexpr std::size_t kWindow = 64;
// How far the condition is made harder before the average and easier after it, in bits (FastCDC's "level").
constexpr int kNormalization = 2;

using GearTable = std::array<std::uint64_t, 256>;

GearTable derive_gear(const crypto::Keyring& keyring) {
  // The first epoch's, always: a table that came with a rotation would cut all content anew.
  const crypto::Secret key = keyring.derive(1, crypto::context::kGearTable);
  const crypto::Secret bytes =
      crypto::derive_key(crypto::context::kGearTableBytes, key.view(), sizeof(GearTable::value_type) * 256);
  GearTable gear;
  ByteReader reader(bytes.view());
  for (std::uint64_t& value : gear) value = reader.u64();
  return gear;
}

std::uint64_t upper_bits(int count) { return ~std::uint64_t{0} << (64 - count); }

// Rolls `hash`, which stands for position `at`, over data[at, end). Returns the first position above `at`
// where the hash and `mask` have no bit in common, or 0 if there is none.
std::size_t scan(const GearTable& gear, const std::uint8_t* data, std::size_t at, std::size_t end,
                 std::uint64_t mask, std::uint64_t& hash) {
  std::uint64_t h = hash;
  // Four bytes a turn: measured fastest among 1, 2, 4 and 8, and faster than summing two bytes off the chain
  // of dependent additions, for the tests and table look-ups are the bottleneck and not that chain.
  for (; at + 4 <= end; at += 4) {
    h = (h << 1) + gear[data[at]];
    if ((h & mask) == 0) [[unlikely]]
      return at + 1;
    h = (h << 1) + gear[data[at + 1]];
    if ((h & mask) == 0) [[unlikely]]
      return at + 2;
    h = (h << 1) + gear[data[at + 2]];
    if ((h & mask) == 0) [[unlikely]]
      return at + 3;
    h = (h << 1) + gear[data[at + 3]];
    if ((h & mask) == 0) [[unlikely]]
      return at + 4;
  }
  while (at < end) {
    h = (h << 1) + gear[data[at++]];
    if ((h & mask) == 0) return at;
  }
  hash = h;
  return 0;
}

}  // namespace

void check(const ChunkSizes& sizes) {
  if (sizes.minimum < kSmallestMinimum || sizes.minimum >= sizes.average || sizes.average >= sizes.maximum ||
      sizes.maximum > kLargestMaximum || !std::has_single_bit(sizes.average)) {
    throw Error(ErrorKind::kInvalidInput,
                "chunk sizes of " + std::to_string(sizes.minimum) + ", " + std::to_string(sizes.average) +
                    " and " + std::to_string(sizes.maximum) +
                    " bytes: they must rise from 1 KiB to 4 MiB, and the middle one must be a power of two");
  }
}

Chunker::Chunker(const crypto::Keyring& keyring, const ChunkSizes& sizes) : sizes_(sizes) {
  check(sizes);
  gear_ = derive_gear(keyring);
  const int bits = std::countr_zero(sizes.average);
  mask_before_average_ = upper_bits(bits + kNormalization);
  mask_after_average_ = upper_bits(bits - kNormalization);
}

std::size_t Chunker::next(ByteView data) const {
  const std::size_t end = std::min<std::size_t>(data.size(), sizes_.maximum);
  if (end <= sizes_.minimum) return end;

  // Up to the byte before the least length, so that the first position tested is that length itself.
  const std::size_t first = sizes_.minimum - 1;
  std::uint64_t hash = 0;
  for (std::size_t at = first - (kWindow - 1); at < first; ++at) hash = (hash << 1) + gear_[data[at]];

  // Lengths up to average - 1 are tested with the first mask, the average and all above with the second.
  const std::size_t middle = std::min<std::size_t>(end, sizes_.average - 1);
  std::size_t length = scan(gear_, data.data(), first, middle, mask_before_average_, hash);
  if (length == 0) length = scan(gear_, data.data(), middle, end, mask_after_average_, hash);
  return length == 0 ? end : length;
}

}  // namespace garner::chunking
