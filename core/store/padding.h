// Padded sizes: what a destination's owner learns of lengths.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace garner::store {

inline constexpr std::uint64_t kSmallestPack = 128u << 10;

// Packs: at least 128 KiB, doubling up to 1 MiB, from there in steps of 1 MiB.
std::uint64_t padded_pack_size(std::uint64_t size);
// Segments, records, states: 1 KiB at least; above, at most 12 % more, in steps that leave log2(log2(size))
// bits (Padmé: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
// 2019).
std::uint64_t padded_object_size(std::uint64_t size);

// Whether these are what is padded with: zeros, and nothing else.
bool is_padding(ByteView bytes);

}  // namespace garner::store
