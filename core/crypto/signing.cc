#include "crypto/signing.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace garner::crypto {

namespace {

constexpr std::size_t kUuidSize = 16;
constexpr std::size_t kSeedSize = crypto_sign_SEEDBYTES;

}  // namespace

WriterKey::WriterKey(const Uuid& uuid, Secret seed) : uuid_(uuid), seed_(std::move(seed)) {
  secret_key_ = Secret(std::size_t{crypto_sign_SECRETKEYBYTES});
  if (crypto_sign_seed_keypair(public_key_.data(), secret_key_.mutable_view().data(), seed_.view().data()) !=
      0) {
    throw Error(ErrorKind::kInternal, "no signing key can be made");
  }
}

WriterKey WriterKey::generate() { return WriterKey(Uuid::random(), random_secret(kSeedSize)); }

WriterKey WriterKey::parse(ByteView serialized) {
  if (serialized.size() != kUuidSize + kSeedSize) {
    throw Error(ErrorKind::kDamaged, "a writer's key that has not 48 bytes");
  }
  return WriterKey(Uuid::from_bytes(serialized.first(kUuidSize)), Secret(serialized.subspan(kUuidSize)));
}

Secret WriterKey::serialize() const {
  Secret serialized(kUuidSize + kSeedSize);
  const MutableByteView bytes = serialized.mutable_view();
  std::copy(uuid_.value.begin(), uuid_.value.end(), bytes.begin());
  std::copy(seed_.view().begin(), seed_.view().end(), bytes.begin() + kUuidSize);
  return serialized;
}

Signature WriterKey::sign(ByteView message) const {
  Signature signature;
  if (crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                           secret_key_.view().data()) != 0) {
    throw Error(ErrorKind::kInternal, "signing failed");
  }
  return signature;
}

bool verify(const PublicKey& key, ByteView message, ByteView signature) {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
}

}  // namespace garner::crypto
