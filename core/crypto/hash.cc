#include "crypto/hash.h"

#include <blake3.h>
#include <sodium.h>

#include "base/error.h"

namespace garner::crypto {

namespace {

// More than the library's functions need between them.
constexpr std::size_t kStackOfLibrary = 8192;

// A hasher that holds a key, or what a key could be found from, until the end of its scope. Its functions
// copy the block that they are at onto the stack, and leave it there.
struct SecretState {
  blake3_hasher hasher;
  ~SecretState() {
    wipe({reinterpret_cast<std::uint8_t*>(&hasher), sizeof hasher});
    sodium_stackzero(kStackOfLibrary);
  }
};

Digest finished(blake3_hasher& hasher, ByteView data) {
  blake3_hasher_update(&hasher, data.data(), data.size());
  Digest digest;
  blake3_hasher_finalize(&hasher, digest.data(), digest.size());
  return digest;
}

}  // namespace

struct Hasher::State {
  blake3_hasher hasher;
};

Digest hash(ByteView data) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  return finished(hasher, data);
}

Digest hash_secret(ByteView data) {
  SecretState state;
  blake3_hasher_init(&state.hasher);
  return finished(state.hasher, data);
}

Digest keyed_hash(const Secret& key, ByteView data) {
  if (key.size() != BLAKE3_KEY_LEN) throw Error(ErrorKind::kInternal, "a hash key that has not 32 bytes");
  SecretState state;
  blake3_hasher_init_keyed(&state.hasher, key.view().data());
  return finished(state.hasher, data);
}

Secret derive_key(std::string_view context, ByteView key_material, std::size_t size) {
  SecretState state;
  blake3_hasher_init_derive_key_raw(&state.hasher, context.data(), context.size());
  blake3_hasher_update(&state.hasher, key_material.data(), key_material.size());
  Secret key(size);
  blake3_hasher_finalize(&state.hasher, key.mutable_view().data(), size);
  return key;
}

Hasher::Hasher() : state_(std::make_unique<State>()) { blake3_hasher_init(&state_->hasher); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(ByteView data) { blake3_hasher_update(&state_->hasher, data.data(), data.size()); }

Digest Hasher::finish() const {
  Digest digest;
  blake3_hasher_finalize(&state_->hasher, digest.data(), digest.size());
  return digest;
}

}  // namespace garner::crypto
