// A writer's identity: an Ed25519 key pair (RFC 8032, libsodium) and a uuid. Records of the log are signed
// with it.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/secret.h"

namespace garner::crypto {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

// Const use is safe from any thread.
class WriterKey {
 public:
  static WriterKey generate();
  static WriterKey parse(ByteView serialized);  // Error(kDamaged)
  Secret serialize() const;                     // uuid, seed: 48 bytes

  const Uuid& uuid() const { return uuid_; }
  const PublicKey& public_key() const { return public_key_; }
  Signature sign(ByteView message) const;

 private:
  WriterKey(const Uuid& uuid, Secret seed);
  Uuid uuid_;
  Secret seed_;
  Secret secret_key_;
  PublicKey public_key_{};
};

// False for a signature of any other length, too.
bool verify(const PublicKey& key, ByteView message, ByteView signature);

}  // namespace garner::crypto
