// Sealing: AES-256-GCM with a key for each object, derived from an epoch, the object's kind and a fresh
// 32-byte salt; an object's messages have counter nonces. Layout of a sealed message: ciphertext (as long as
// the plain bytes), then 16 bytes of tag. Integers below are little-endian.
//
//   purpose key      keyring.derive(epoch, context::kSealData, kSealMetadata, kSealIndex, kSealLog or
//                    kSealState: by the kind of object)
//   object key       BLAKE3 derive_key(context::kObjectKey, purpose key ‖ salt), 32 bytes
//   nonce            u32 part ‖ u64 counter
//   associated data  u16 format version (1) ‖ u8 kind of object ‖ u32 epoch ‖ the caller's associated bytes
//
// A reader who has salt, epoch, kind and the caller's bytes opens a message by its part and counter alone.
// Whatever of these is not the writer's (another object's message, another place in the object, another
// repository) does not verify.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/keyring.h"

namespace garner::crypto {

inline constexpr std::size_t kSealOverhead = 16;

enum class ObjectKind : std::uint8_t {
  kDataPack = 1,
  kMetadataPack = 2,
  kSegment = 3,
  kRecord = 4,
  kState = 5
};

using Salt = std::array<std::uint8_t, 32>;

// getrandom mixed with the writer's uuid, the boot id and the time: still unique for each object should one
// of them repeat (a restored virtual machine, for example). It is BLAKE3 derive_key(context::kFreshSalt, 32
// bytes of getrandom ‖ writer uuid ‖ boot id as text ‖ u64 seconds and u64 nanoseconds of the wall clock and
// of the boot clock ‖ u64 process id ‖ u64 count of salts made by this process); readers depend on none of
// it.
Salt fresh_salt(const Uuid& writer);

// What the messages of an object are for: each has nonces of its own.
enum class SealPart : std::uint32_t { kBody = 0, kDirectory = 1, kTrailer = 2 };

// Seals and opens the messages of one object. Const use is safe from any thread. Making one costs some
// microseconds and locked memory: one for an object, not for a message.
class Sealer {
 public:
  // `associated`: what the object is bound to (docs/format.md); the format version, kind and epoch are always
  // bound. Error(kWrongKey) for an epoch that the keyring lacks.
  Sealer(const Keyring& keyring, ObjectKind kind, std::uint32_t epoch, const Salt& salt, ByteView associated);

  // `out` has plain.size() + kSealOverhead bytes, and may start where `plain` does. A (part, counter) is used
  // once.
  void seal(SealPart part, std::uint64_t counter, ByteView plain, MutableByteView out) const;
  Bytes seal(SealPart part, std::uint64_t counter, ByteView plain) const;
  // `out` has sealed.size() - kSealOverhead bytes, and may start where `sealed` does. Error(kDamaged) unless
  // it verifies; `out` is then wiped.
  void open(SealPart part, std::uint64_t counter, ByteView sealed, MutableByteView out) const;
  Bytes open(SealPart part, std::uint64_t counter, ByteView sealed) const;

 private:
  Secret key_;
  Bytes associated_;
};

}  // namespace garner::crypto
