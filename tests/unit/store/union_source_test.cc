#include "store/union_source.h"

#include <catch2/catch.hpp>

#include "support/memory_destination.h"
#include "support/store_fixture.h"
#include "support/watched_destination.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

// Two destinations of one machine's keyring.
struct UnionSourceFixture {
  CryptoReady ready;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine machine;
  std::shared_ptr<MemoryDestination> first_objects = std::make_shared<MemoryDestination>();
  std::shared_ptr<WatchedDestination> first_place = std::make_shared<WatchedDestination>(first_objects);
  std::shared_ptr<WatchedDestination> second_place =
      std::make_shared<WatchedDestination>(std::make_shared<MemoryDestination>());
  std::unique_ptr<Repository> first = machine.create(first_place, keyring);
  std::unique_ptr<Repository> second = machine.create(second_place, keyring);
  UnionSource both{{first.get(), second.get()}};

  TestBlob store(Repository& repository, const std::string& text) {
    const TestBlob blob = test_blob(repository, text);
    REQUIRE(repository.commit(test_plan({store_pack(repository, {blob})})).committed);
    return blob;
  }
  ErrorKind failure(const crypto::BlobId& id) {
    try {
      both.read(crypto::BlobKind::kData, id);
    } catch (const Error& error) {
      return error.kind();
    }
    FAIL("it was read");
    return ErrorKind::kInternal;
  }
};

void damage_packs(MemoryDestination& place) {
  for (const destination::ObjectInfo& object : place.list("packs/", "")) {
    for (std::uint8_t& byte : place.object(object.key)) byte ^= 0x55;
  }
}

}  // namespace

TEST_CASE("what the first repository lacks is read from the second, without a look at the first one's log") {
  UnionSourceFixture fixture;
  const TestBlob blob = fixture.store(*fixture.second, "only at the second");
  fixture.first_place->forget_counts();
  CHECK(fixture.both.read(blob.kind, blob.id) == blob.content);
  CHECK(fixture.first_place->lists("log") == 0);
}

TEST_CASE("what is damaged at the first is read from the second") {
  UnionSourceFixture fixture;
  const TestBlob blob = fixture.store(*fixture.first, "at both");
  fixture.store(*fixture.second, "at both");
  damage_packs(*fixture.first_objects);
  CHECK(fixture.both.read(blob.kind, blob.id) == blob.content);
}

TEST_CASE("of the errors that several repositories give, the one that says most is told") {
  UnionSourceFixture fixture;
  const TestBlob blob = fixture.store(*fixture.first, "somewhere");
  CHECK(fixture.failure(test_blob(*fixture.first, "nowhere").id) == ErrorKind::kNotFound);
  damage_packs(*fixture.first_objects);
  CHECK(fixture.failure(blob.id) == ErrorKind::kDamaged);
  const TestBlob at_both = fixture.store(*fixture.first, "at both");
  fixture.store(*fixture.second, "at both");
  damage_packs(*fixture.first_objects);
  fixture.second_place->away = true;
  CHECK(fixture.failure(at_both.id) == ErrorKind::kDestinationAway);
}
