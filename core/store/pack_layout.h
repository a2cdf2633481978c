// Constants of the layout of packs (pack.h), shared by what writes and what reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/seal.h"

namespace garner::store {

inline constexpr std::string_view kPackMagic = "GARNPACK";
inline constexpr std::uint16_t kPackVersion = 1;
inline constexpr std::uint8_t kDerivedKey = 0;  // wrap type: the key derives from epoch and salt
inline constexpr std::size_t kWrappedKeyField = 1232;
inline constexpr std::size_t kFixedPackHeader = 1282;  // up to and with the length of the recovery slot
inline constexpr std::size_t kPackTrailer = 80;        // salt, four u64, tag
inline constexpr std::size_t kDirectoryFraming = 4 + crypto::kSealOverhead;

static_assert(kFixedPackHeader == kPackMagic.size() + 2 + 1 + 1 + 4 + 32 + kWrappedKeyField + 2);

}  // namespace garner::store
