// Random bytes, names, ids and packs from a seed, for tests of the store.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "store/pack.h"
#include "support/error_kind.h"

namespace garner::testing {

using Random = std::mt19937_64;

// A number that INFO() shows when the test fails.
inline std::uint64_t fresh_seed() { return std::random_device{}(); }

inline std::uint64_t below(Random& random, std::uint64_t bound) { return random() % bound; }

inline void fill(Random& random, MutableByteView out) {
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random());
}

inline Bytes random_bytes(Random& random, std::size_t size) {
  Bytes bytes(size);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) word = random();
    bytes[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
  }
  return bytes;
}

// Compresses to about a third.
inline Bytes random_text(Random& random, std::size_t size) {
  static const std::vector<std::string> kWords = {"the ",    "backup ", "of ",    "a ",
                                                  "folder ", "ends ",   "with\n", "42 "};
  Bytes text;
  while (text.size() < size) {
    const std::string& word = kWords[below(random, kWords.size())];
    text.insert(text.end(), word.begin(), word.end());
  }
  text.resize(size);
  return text;
}

// What PackReader reads of a pack is whole windows of so many bytes.
inline constexpr std::size_t kPackWindow = 64u << 10;

inline crypto::BlobId random_id(Random& random) {
  crypto::BlobId id;
  fill(random, id.value);
  return id;
}

inline store::ObjectName random_name(Random& random) {
  store::ObjectName name;
  fill(random, name.value);
  return name;
}

// A pack as a writer tells it, without bytes: `frames` of `blobs` each. `next_id` gives the ids.
inline store::FinishedPack random_pack(Random& random, std::size_t frames, std::size_t blobs,
                                       const std::function<crypto::BlobId()>& next_id) {
  store::FinishedPack pack;
  pack.name = random_name(random);
  pack.kind = below(random, 4) == 0 ? store::PackKind::kMetadata : store::PackKind::kData;
  std::uint64_t offset = 1282;
  for (std::size_t i = 0; i < frames; ++i) {
    store::PackedFrame frame;
    frame.offset = offset;
    for (std::size_t j = 0; j < blobs; ++j) {
      crypto::BlobKind kind = pack.kind == store::PackKind::kData
                                  ? crypto::BlobKind::kData
                                  : static_cast<crypto::BlobKind>(2 + below(random, 3));
      frame.blobs.push_back({next_id(), kind,
                             static_cast<std::uint32_t>(
                                 below(random, std::min<std::size_t>(2000, store::kMaximumFrame / blobs)))});
      frame.raw_length += frame.blobs.back().length;
    }
    frame.stored_length = 21 + static_cast<std::uint32_t>(below(random, frame.raw_length + 1));
    offset += frame.stored_length;
    pack.frames.push_back(std::move(frame));
  }
  pack.size = offset + 4096;
  return pack;
}

inline store::FinishedPack random_pack(Random& random, std::size_t frames, std::size_t blobs) {
  return random_pack(random, frames, blobs, [&] { return random_id(random); });
}

}  // namespace garner::testing
