#include "crypto/hash.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::kind_of;

// From BLAKE3's published test vectors.
constexpr const char* kEmpty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
constexpr const char* kEmptyKeyed = "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26";
constexpr const char* kEmptyDerived = "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d";
constexpr const char* kVectorKey = "whats the Elvish word for friend";
constexpr const char* kVectorContext = "BLAKE3 2019-12-27 16:29:52 test vectors context";

TEST_CASE("BLAKE3 gives its published results") {
  CHECK(to_hex(hash({})) == kEmpty);
  CHECK(to_hex(hash(as_bytes("abc"))) == "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
  CHECK(to_hex(keyed_hash(Secret(as_bytes(kVectorKey)), {})) == kEmptyKeyed);
  CHECK(to_hex(derive_key(kVectorContext, {}).view()) == kEmptyDerived);
}

TEST_CASE("a longer derived key begins with the shorter one") {
  const Secret short_key = derive_key("a context", as_bytes("material"));
  const Secret long_key = derive_key("a context", as_bytes("material"), 100);
  CHECK(short_key.size() == 32);
  CHECK(equal_constant_time(long_key.view().first(32), short_key.view()));
}

TEST_CASE("a hash key has 32 bytes") {
  CHECK(kind_of([] { keyed_hash(Secret(std::size_t{31}), {}); }) == ErrorKind::kInternal);
}

TEST_CASE("pieces hash as the whole, and a hash may go on after it was asked for") {
  CHECK(to_hex(Hasher().finish()) == kEmpty);
  REQUIRE(rc::check("pieces", [] {
    const auto pieces =
        *rc::gen::container<std::vector<Bytes>>(rc::gen::resize(400, rc::gen::arbitrary<Bytes>()));
    Hasher hasher;
    Bytes whole;
    for (const Bytes& piece : pieces) {
      hasher.update(piece);
      whole.insert(whole.end(), piece.begin(), piece.end());
      RC_ASSERT(hasher.finish() == hash(whole));
    }
  }));
}

TEST_CASE("a moved hasher goes on") {
  Hasher first;
  first.update(as_bytes("a"));
  Hasher second = std::move(first);
  second.update(as_bytes("bc"));
  CHECK(second.finish() == hash(as_bytes("abc")));
}

}  // namespace
}  // namespace garner::crypto
