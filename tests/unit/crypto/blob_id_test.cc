#include "crypto/blob_id.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <set>

#include "crypto/contexts.h"
#include "crypto/hash.h"
#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::kind_of;

constexpr TimePoint kIdTime{1'800'000'000, 0};

TEST_CASE("ids differ by content, kind and keyring") {
  const BlobHasher hasher(Keyring::generate(kIdTime));
  const BlobHasher other(Keyring::generate(kIdTime));
  std::set<BlobId> ids;
  for (const BlobKind kind : {BlobKind::kData, BlobKind::kTree, BlobKind::kList, BlobKind::kSnapshot}) {
    for (const char* content : {"", "a", "b"}) {
      ids.insert(hasher.id(kind, as_bytes(content)));
      ids.insert(other.id(kind, as_bytes(content)));
    }
  }
  CHECK(ids.size() == 24);
}

TEST_CASE("ids outlive a rotation") {
  Keyring keyring = Keyring::generate(kIdTime);
  const BlobId before = BlobHasher(keyring).id(BlobKind::kTree, as_bytes("content"));
  keyring.rotate(kIdTime);
  CHECK(BlobHasher(keyring).id(BlobKind::kTree, as_bytes("content")) == before);
}

TEST_CASE("an id is the keyed hash that the header describes") {
  const Keyring keyring = Keyring::generate(kIdTime);
  const BlobHasher hasher(keyring);
  const ByteView content = as_bytes("content");
  CHECK(hasher.id(BlobKind::kData, content).value ==
        keyed_hash(keyring.derive(1, context::kDataId), content));
  CHECK(hasher.id(BlobKind::kTree, content).value ==
        keyed_hash(keyring.derive(1, context::kTreeId), content));
  CHECK(hasher.id(BlobKind::kList, content).value ==
        keyed_hash(keyring.derive(1, context::kListId), content));
  CHECK(hasher.id(BlobKind::kSnapshot, content).value ==
        keyed_hash(keyring.derive(1, context::kSnapshotId), content));
}

TEST_CASE("ids of unencrypted repositories never change") {
  const BlobHasher hasher(Keyring::unencrypted());
  CHECK(hasher.id(BlobKind::kData, as_bytes("garner")).hex() ==
        "3bdc28ffaa0cdcd04acbc08bd5d8f208d277fac936b9a3bedc9295af39c4e6a0");
}

TEST_CASE("an id has 32 bytes and a kind is known") {
  CHECK(kind_of([] { BlobId::from_bytes(Bytes(31)); }) == ErrorKind::kDamaged);
  const Digest digest = hash({});
  CHECK(BlobId::from_bytes(digest).value == digest);
  const BlobHasher hasher(Keyring::unencrypted());
  for (const int kind : {0, 5, 255}) {
    CHECK(kind_of([&] { hasher.id(static_cast<BlobKind>(kind), {}); }) == ErrorKind::kInternal);
  }
}

}  // namespace
}  // namespace garner::crypto
