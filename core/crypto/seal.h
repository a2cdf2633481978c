// Sealing: AES-256-GCM with a key for each object, derived from an epoch, the object's kind and a fresh 32-byte salt;
// an object's messages have counter nonces. Layout of a sealed message: ciphertext, 16 bytes of tag.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/keyring.h"

namespace garner::crypto {

inline constexpr std::size_t kSealOverhead = 16;

enum class ObjectKind : std::uint8_t { kDataPack = 1, kMetadataPack = 2, kSegment = 3, kRecord = 4, kState = 5 };

using Salt = std::array<std::uint8_t, 32>;

// getrandom mixed with the writer's uuid, the boot id and the time: still unique for each object should one of them
// repeat (a restored virtual machine, for example).
Salt fresh_salt(const Uuid& writer);

// What the messages of an object are for: each has nonces of its own.
enum class SealPart : std::uint32_t { kBody = 0, kDirectory = 1, kTrailer = 2 };

// Seals and opens the messages of one object. Const use is safe from any thread.
class Sealer {
 public:
  // `associated`: what the object is bound to (docs/format.md); the format version, kind and epoch are always bound.
  Sealer(const Keyring& keyring, ObjectKind kind, std::uint32_t epoch, const Salt& salt, ByteView associated);

  // `out` has plain.size() + kSealOverhead bytes, and may start where `plain` does. A (part, counter) is used once.
  void seal(SealPart part, std::uint64_t counter, ByteView plain, MutableByteView out) const;
  Bytes seal(SealPart part, std::uint64_t counter, ByteView plain) const;
  // `out` has sealed.size() - kSealOverhead bytes, and may start where `sealed` does. Error(kDamaged) unless it
  // verifies.
  void open(SealPart part, std::uint64_t counter, ByteView sealed, MutableByteView out) const;
  Bytes open(SealPart part, std::uint64_t counter, ByteView sealed) const;

 private:
  Secret key_;
  Bytes associated_;
};

}  // namespace garner::crypto
