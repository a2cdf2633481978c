// Content-defined chunking: normalized gear chunking as in FastCDC (Xia et al., "FastCDC: a Fast and
// Efficient Content-Defined Chunking Approach for Data Deduplication", USENIX ATC 2016), with a gear table
// that is derived from the keyring so that chunk lengths tell nothing to those without it.
//
// The rule. Where it changes, nothing that is stored deduplicates any more.
//
//   gear      256 little-endian 64-bit numbers: the 2,048 bytes of
//             derive_key(kGearTableBytes, Keyring::derive(1, kGearTable)), see crypto/contexts.h
//   h(n)      the sum over k in 0..63 of gear[byte n-1-k] << k, modulo 2^64, which is what rolling
//             h = (h << 1) + gear[byte] over all bytes before n leaves
//   length    the least n in minimum..maximum for which the upper b bits of h(n) are zero, where
//             b = log2(average) + 2 while n < average, and log2(average) - 2 from n = average on;
//             the maximum if there is none; all that is left if that ends first
//
// The upper bits are taken because they depend on all 64 bytes. That h(minimum) counts the bytes before the
// minimum makes each boundary a property of the 64 bytes before it, wherever the chunk begins, so that two
// streams that differ fall into step again sooner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/keyring.h"

namespace garner::chunking {

// In bytes. A content shorter than `minimum` is one chunk.
struct ChunkSizes {
  std::uint32_t minimum = 48u << 10;
  std::uint32_t average = 64u << 10;  // a power of two
  std::uint32_t maximum = 256u << 10;
};
// Error(kInvalidInput) unless 1 KiB <= minimum < average < maximum <= 4 MiB and the average is a power of
// two.
void check(const ChunkSizes& sizes);

// Immutable; any thread may use it.
class Chunker {
 public:
  // Error(kInvalidInput) for sizes that check() refuses.
  Chunker(const crypto::Keyring& keyring, const ChunkSizes& sizes);

  // Length of the chunk that `data` begins with. `data` holds at least sizes().maximum bytes, or all that is
  // left. Never 0 for data that is not empty. Depends on the bytes of the chunk only.
  std::size_t next(ByteView data) const;
  const ChunkSizes& sizes() const { return sizes_; }

 private:
  ChunkSizes sizes_;
  std::array<std::uint64_t, 256> gear_;
  std::uint64_t mask_before_average_;  // more bits: less likely
  std::uint64_t mask_after_average_;   // fewer bits
};

}  // namespace garner::chunking
