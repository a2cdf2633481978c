// AES-256-GCM by OpenSSL, for the two places that seal: objects (seal.h) and key slots (key_slot.h). Any
// thread may call; each thread keeps a cipher context of its own, so that a short message costs a key
// schedule and no allocation. That context holds the last key's schedule in ordinary memory until its next
// use or the thread's end.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace garner::crypto {

inline constexpr std::size_t kAesGcmTag = 16;
using AesGcmNonce = std::array<std::uint8_t, 12>;

// `out`: the ciphertext, as long as `plain`, followed by the tag. It may start where `plain` does, and must
// not overlap it otherwise. `key`: 32 bytes.
void aes_gcm_seal(const Secret& key, const AesGcmNonce& nonce, ByteView associated, ByteView plain,
                  MutableByteView out);
// `sealed`: at least kAesGcmTag bytes; `out`: that many fewer, and the same rule of overlapping. False, with
// `out` wiped, unless it verifies.
[[nodiscard]] bool aes_gcm_open(const Secret& key, const AesGcmNonce& nonce, ByteView associated,
                                ByteView sealed, MutableByteView out);

}  // namespace garner::crypto
