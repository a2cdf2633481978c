// BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), 32 bytes of output: plain, keyed, and key derivation.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace garner::crypto {

using Digest = std::array<std::uint8_t, 32>;

Digest hash(ByteView data);
// The same of what holds a secret, of which no copy is left in memory.
Digest hash_secret(ByteView data);
Digest keyed_hash(const Secret& key, ByteView data);
// BLAKE3's derive_key mode. `context` is a constant of the program, written down in docs/format.md.
Secret derive_key(std::string_view context, ByteView key_material, std::size_t size = 32);

// The plain hash of data that comes in pieces. Not safe for use by several threads at once.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(ByteView data);
  Digest finish() const;  // may be called again after more updates

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace garner::crypto
