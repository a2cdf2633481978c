#include "crypto/seal.h"

#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "crypto/aes_gcm.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"
#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::kind_of;

constexpr TimePoint kSealTime{1'800'000'000, 0};

// Whether `sealer` opens the message as part and counter; any error but damage fails the test.
bool opens(const Sealer& sealer, SealPart part, std::uint64_t counter, ByteView sealed) {
  try {
    sealer.open(part, counter, sealed);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    return false;
  }
}

struct SealFixture {
  Keyring keyring = Keyring::generate(kSealTime);
  Salt salt = fresh_salt(Uuid::random());
  Sealer sealer(ObjectKind kind = ObjectKind::kDataPack, std::string_view associated = "repository") const {
    return Sealer(keyring, kind, 1, salt, as_bytes(associated));
  }
};

TEST_CASE("sealed messages are opened, also in place") {
  const SealFixture fixture;
  const Sealer writer = fixture.sealer();
  const Sealer reader = fixture.sealer();
  REQUIRE(rc::check("round trip", [&](const Bytes& plain, std::uint64_t counter) {
    const Bytes sealed = writer.seal(SealPart::kBody, counter, plain);
    RC_ASSERT(sealed.size() == plain.size() + kSealOverhead);
    RC_ASSERT(reader.open(SealPart::kBody, counter, sealed) == plain);

    Bytes buffer = plain;
    buffer.resize(sealed.size());
    writer.seal(SealPart::kBody, counter, ByteView(buffer).first(plain.size()), buffer);
    RC_ASSERT(buffer == sealed);
    reader.open(SealPart::kBody, counter, buffer, MutableByteView(buffer).first(plain.size()));
    RC_ASSERT(std::equal(plain.begin(), plain.end(), buffer.begin()));
  }));
  const Bytes large(5u << 20, 3);
  CHECK(reader.open(SealPart::kBody, 1, writer.seal(SealPart::kBody, 1, large)) == large);
}

TEST_CASE("a message that was tampered with or cut is damage") {
  const SealFixture fixture;
  const Sealer sealer = fixture.sealer();
  const Bytes sealed = sealer.seal(SealPart::kBody, 7, as_bytes("a message of a frame"));
  REQUIRE(opens(sealer, SealPart::kBody, 7, sealed));
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes flipped = sealed;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    REQUIRE_FALSE(opens(sealer, SealPart::kBody, 7, flipped));
  }
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    REQUIRE_FALSE(opens(sealer, SealPart::kBody, 7, ByteView(sealed).first(length)));
    REQUIRE_FALSE(opens(sealer, SealPart::kBody, 7, ByteView(sealed).last(length)));
  }
  Bytes longer = sealed;
  longer.push_back(0);
  CHECK_FALSE(opens(sealer, SealPart::kBody, 7, longer));
}

TEST_CASE("a message opens only as what it was sealed as") {
  SealFixture fixture;
  const Bytes sealed = fixture.sealer().seal(SealPart::kDirectory, 3, as_bytes("message"));
  CHECK(opens(fixture.sealer(), SealPart::kDirectory, 3, sealed));
  CHECK_FALSE(opens(fixture.sealer(), SealPart::kDirectory, 4, sealed));
  CHECK_FALSE(opens(fixture.sealer(), SealPart::kDirectory, 3 + (1ull << 32), sealed));
  CHECK_FALSE(opens(fixture.sealer(), SealPart::kBody, 3, sealed));
  CHECK_FALSE(opens(fixture.sealer(), SealPart::kTrailer, 3, sealed));
  CHECK_FALSE(opens(fixture.sealer(ObjectKind::kDataPack, "elsewhere"), SealPart::kDirectory, 3, sealed));
  CHECK_FALSE(opens(fixture.sealer(ObjectKind::kDataPack, ""), SealPart::kDirectory, 3, sealed));
  for (const ObjectKind kind :
       {ObjectKind::kMetadataPack, ObjectKind::kSegment, ObjectKind::kRecord, ObjectKind::kState}) {
    CHECK_FALSE(opens(fixture.sealer(kind), SealPart::kDirectory, 3, sealed));
  }
  SealFixture other_salt{fixture.keyring.copy()};
  CHECK_FALSE(opens(other_salt.sealer(), SealPart::kDirectory, 3, sealed));
  const SealFixture other_keyring{Keyring::generate(kSealTime), fixture.salt};
  CHECK_FALSE(opens(other_keyring.sealer(), SealPart::kDirectory, 3, sealed));
}

TEST_CASE("old epochs are opened after a rotation, and only as themselves") {
  SealFixture fixture;
  const Bytes sealed = fixture.sealer().seal(SealPart::kBody, 0, as_bytes("old"));
  fixture.keyring.rotate(kSealTime);
  const Sealer second(fixture.keyring, ObjectKind::kDataPack, 2, fixture.salt, as_bytes("repository"));
  CHECK(opens(fixture.sealer(), SealPart::kBody, 0, sealed));
  CHECK_FALSE(opens(second, SealPart::kBody, 0, sealed));
  CHECK(kind_of([&] { Sealer(fixture.keyring, ObjectKind::kState, 3, fixture.salt, {}); }) ==
        ErrorKind::kWrongKey);
}

TEST_CASE("the bytes are those that the header describes") {
  const SealFixture fixture;
  const Sealer sealer(fixture.keyring, ObjectKind::kRecord, 1, fixture.salt, as_bytes("repository, 17"));
  const Bytes sealed = sealer.seal(SealPart::kTrailer, 0x0102030405060708, as_bytes("message"));

  ByteWriter material;
  material.bytes(fixture.keyring.derive(1, "garner 2026 v1 seal: log record").view());
  material.bytes(fixture.salt);
  const Secret key = derive_key("garner 2026 v1 seal: object key", material.data());
  const AesGcmNonce nonce = {2, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
  Bytes associated = {1, 0, 4, 1, 0, 0, 0};
  const ByteView caller = as_bytes("repository, 17");
  associated.insert(associated.end(), caller.begin(), caller.end());
  Bytes expected(7 + kSealOverhead);
  aes_gcm_seal(key, nonce, associated, as_bytes("message"), expected);
  CHECK(sealed == expected);
}

TEST_CASE("sealed bytes of unencrypted repositories never change") {
  const Sealer sealer(Keyring::unencrypted(), ObjectKind::kSegment, 1, Salt{}, as_bytes("repository"));
  CHECK(to_hex(sealer.seal(SealPart::kBody, 1, as_bytes("garner"))) ==
        "d655e39dd0be40bce706b760f3689ef65396225affff");
}

TEST_CASE("threads may share a sealer") {
  const SealFixture fixture;
  const Sealer sealer = fixture.sealer();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 200; ++i) {
        const Bytes plain(1 + (i * 37 + t) % 5000, static_cast<std::uint8_t>(i + t));
        const std::uint64_t counter = t * 1000 + i;
        const Bytes sealed = sealer.seal(SealPart::kBody, counter, plain);
        if (opens(sealer, SealPart::kBody, counter, sealed) &&
            !opens(sealer, SealPart::kBody, counter + 1, sealed)) {
          ++good;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 800);
}

TEST_CASE("no two salts are alike") {
  const Uuid writer = Uuid::random();
  std::set<Salt> salts;
  for (int i = 0; i < 1000; ++i) salts.insert(fresh_salt(writer));
  CHECK(salts.size() == 1000);
}

}  // namespace
}  // namespace garner::crypto
