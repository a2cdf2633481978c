// Blob ids: BLAKE3 keyed, with a key for each kind of blob, so that a tree can never be taken for data and
// nobody without the key can test whether a content is stored.
//
//   id = BLAKE3 keyed_hash(key of the kind, the blob's raw bytes), 32 bytes
//   key of the kind = keyring.derive(1, context::kDataId, kTreeId, kListId or kSnapshotId)
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "crypto/keyring.h"

namespace garner::crypto {

enum class BlobKind : std::uint8_t { kData = 1, kTree = 2, kList = 3, kSnapshot = 4 };

struct BlobId {
  std::array<std::uint8_t, 32> value{};

  static BlobId from_bytes(ByteView bytes);  // Error(kDamaged) unless 32 bytes
  ByteView view() const { return value; }
  std::string hex() const { return to_hex(value); }
  auto operator<=>(const BlobId&) const = default;
};

// Ids are uniformly distributed: their first bytes are a hash already.
struct BlobIdHash {
  using is_avalanching = void;
  std::size_t operator()(const BlobId& id) const noexcept {
    std::size_t prefix;
    std::memcpy(&prefix, id.value.data(), sizeof prefix);
    return prefix;
  }
};

// Immutable after construction; any thread may call id().
class BlobHasher {
 public:
  explicit BlobHasher(const Keyring& keyring);
  BlobId id(BlobKind kind, ByteView content) const;

 private:
  std::array<Secret, 4> keys_;  // by kind - 1
};

}  // namespace garner::crypto
