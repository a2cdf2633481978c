#include "crypto/aes_gcm.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::kind_of;

// Test cases 13 and 14 of "The Galois/Counter Mode of Operation (GCM)" by McGrew and Viega.
TEST_CASE("AES-256-GCM gives its published results") {
  const Secret key(std::size_t{32});
  const AesGcmNonce nonce{};
  Bytes empty(kAesGcmTag);
  aes_gcm_seal(key, nonce, {}, {}, empty);
  CHECK(to_hex(empty) == "530f8afbc74536b9a963b4f1c4cb738b");
  Bytes block(16 + kAesGcmTag);
  aes_gcm_seal(key, nonce, {}, Bytes(16), block);
  CHECK(to_hex(block) == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST_CASE("what was sealed is opened, also in place") {
  REQUIRE(rc::check("round trip", [](const Bytes& plain, const Bytes& associated, const AesGcmNonce& nonce) {
    const Secret key = random_secret(32);
    Bytes buffer = plain;
    buffer.resize(plain.size() + kAesGcmTag);
    aes_gcm_seal(key, nonce, associated, ByteView(buffer).first(plain.size()), buffer);
    Bytes opened(plain.size());
    RC_ASSERT(aes_gcm_open(key, nonce, associated, buffer, opened));
    RC_ASSERT(opened == plain);
    RC_ASSERT(aes_gcm_open(key, nonce, associated, buffer, MutableByteView(buffer).first(plain.size())));
    RC_ASSERT(std::equal(plain.begin(), plain.end(), buffer.begin()));
  }));
}

TEST_CASE("what does not verify leaves nothing behind") {
  const Secret key = random_secret(32);
  const AesGcmNonce nonce{};
  Bytes sealed(100 + kAesGcmTag);
  aes_gcm_seal(key, nonce, {}, Bytes(100, 7), sealed);
  sealed.back() ^= 1;
  Bytes opened(100, 9);
  CHECK_FALSE(aes_gcm_open(key, nonce, {}, sealed, opened));
  CHECK(opened == Bytes(100));
}

TEST_CASE("wrong sizes are bugs") {
  const Secret key = random_secret(32);
  Bytes out(20);
  CHECK(kind_of([&] { aes_gcm_seal(key, {}, {}, Bytes(5), out); }) == ErrorKind::kInternal);
  CHECK(kind_of([&] { aes_gcm_seal(random_secret(16), {}, {}, Bytes(4), out); }) == ErrorKind::kInternal);
  CHECK(kind_of([&] { (void)aes_gcm_open(key, {}, {}, Bytes(20), out); }) == ErrorKind::kInternal);
}

}  // namespace
}  // namespace garner::crypto
