#include "crypto/signing.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::kind_of;

// RFC 8032, section 7.1, test 1.
TEST_CASE("Ed25519 gives its published results") {
  Bytes serialized(16);
  const Bytes seed = from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  serialized.insert(serialized.end(), seed.begin(), seed.end());
  const WriterKey key = WriterKey::parse(serialized);
  CHECK(to_hex(key.public_key()) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  CHECK(to_hex(key.sign({})) ==
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
}

TEST_CASE("a writer's key is read as it was written") {
  const WriterKey key = WriterKey::generate();
  const Secret serialized = key.serialize();
  CHECK(serialized.size() == 48);
  const WriterKey parsed = WriterKey::parse(serialized.view());
  CHECK(parsed.uuid() == key.uuid());
  CHECK(parsed.public_key() == key.public_key());
  CHECK(verify(key.public_key(), as_bytes("message"), parsed.sign(as_bytes("message"))));
  CHECK(kind_of([&] { WriterKey::parse(serialized.view().first(47)); }) == ErrorKind::kDamaged);
  CHECK(kind_of([] { WriterKey::parse(Bytes(49)); }) == ErrorKind::kDamaged);
}

TEST_CASE("a signature holds for its message and key alone") {
  const WriterKey key = WriterKey::generate();
  const WriterKey other = WriterKey::generate();
  REQUIRE(rc::check("signature", [&](const Bytes& message) {
    const Signature signature = key.sign(message);
    RC_ASSERT(verify(key.public_key(), message, signature));
    RC_ASSERT(!verify(other.public_key(), message, signature));
    Bytes longer = message;
    longer.push_back(0);
    RC_ASSERT(!verify(key.public_key(), longer, signature));
    Signature flipped = signature;
    const auto bit = *rc::gen::inRange<std::size_t>(0, flipped.size() * 8);
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    RC_ASSERT(!verify(key.public_key(), message, flipped));
    RC_ASSERT(!verify(key.public_key(), message, ByteView(signature).first(63)));
  }));
  CHECK_FALSE(verify(key.public_key(), {}, {}));
}

}  // namespace
}  // namespace garner::crypto
