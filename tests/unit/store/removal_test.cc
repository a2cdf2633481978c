// What only a remover commits: on the state it was decided on, with segments replaced, and names that end.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "support/error_kind.h"
#include "support/forge_removal.h"
#include "support/memory_destination.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::testing;
using store::CommitPlan;

namespace {

struct RemovalFixture {
  Machine machine;
  Machine other_machine;
  crypto::Keyring keyring = crypto::Keyring::generate(system_clock().now());
  std::shared_ptr<MemoryDestination> destination = std::make_shared<MemoryDestination>();
  std::unique_ptr<store::Repository> repository = machine.create(destination, keyring);

  CommitPlan removal() const {
    CommitPlan plan;
    plan.removal.decided_on = repository->state()->generation();
    return plan;
  }
  // Commits a snapshot of one pack with this content.
  store::FinishedPack add(const std::string& text) {
    const auto pack = store_pack(*repository, {test_blob(*repository, text)});
    REQUIRE(repository->commit(test_plan({pack})).committed);
    return pack;
  }
  crypto::BlobId snapshot(int number) const {
    return crypto::BlobId::from_bytes(as_bytes(repository->state()->snapshots(number).id()));
  }
  bool is_there(const std::string& key) { return destination->size(key).has_value(); }
};

}  // namespace

TEST_CASE("a removal is committed on no other state than it was decided on") {
  RemovalFixture fixture;
  const auto pack = fixture.add("one");
  CommitPlan plan = fixture.removal();
  plan.removal.remove_snapshots = {fixture.snapshot(0)};
  plan.removal.condemn = {pack.name};
  fixture.add("two");
  const auto outcome = fixture.repository->commit(plan);
  CHECK(outcome.overtaken);
  CHECK_FALSE(outcome.committed);
  CHECK(fixture.repository->state()->snapshots_size() == 2);
  plan.removal.decided_on = fixture.repository->state()->generation();
  CHECK(fixture.repository->commit(plan).committed);
  CHECK(fixture.repository->state()->snapshots_size() == 1);
  CHECK_FALSE(fixture.repository->index().is_live(pack.name));
  // Another machine reads the same.
  const auto other = fixture.other_machine.open(fixture.destination, fixture.keyring);
  CHECK(store::is_removed(*other->state(), pack.name));
}

TEST_CASE("condemned, deleted, dropped: afterwards nothing of the names is left") {
  RemovalFixture fixture;
  const auto first = fixture.add("one");
  const auto second = fixture.add("two");
  CommitPlan plan = fixture.removal();
  plan.removal.remove_snapshots = {fixture.snapshot(0)};
  plan.removal.condemn = {first.name};
  REQUIRE(fixture.repository->commit(plan).committed);
  fixture.destination->remove(store::pack_key(first.name));

  plan = fixture.removal();
  plan.removal.drop = {first.name};
  plan.removal.replace_segments = fixture.repository->index().segments_naming({first.name});
  REQUIRE(plan.removal.replace_segments.size() == 1);
  REQUIRE(fixture.repository->commit(plan).committed);
  // The only segment that named it named nothing else.
  CHECK(fixture.repository->state()->segments_size() == 1);
  CHECK(fixture.repository->state()->dead_size() == 0);
  CHECK(fixture.repository->index().segments_naming({first.name}).empty());
  CHECK(fixture.repository->index().is_live(second.name));

  const auto segments = plan.removal.replace_segments;
  plan = fixture.removal();
  plan.removal.drop = segments;
  REQUIRE(fixture.repository->commit(plan).committed);
  CHECK(fixture.repository->state()->condemned_size() == 0);
  const auto other = fixture.other_machine.open(fixture.destination, fixture.keyring);
  CHECK(other->index().is_live(second.name));
  CHECK_FALSE(other->index().is_named(first.name));
  CHECK(other->read(crypto::BlobKind::kData, test_blob(*other, "two").id) ==
        test_blob(*other, "two").content);
}

TEST_CASE("a segment that is replaced says of its other packs what it said") {
  RemovalFixture fixture;
  std::vector<store::FinishedPack> packs;
  for (int number = 0; number < 5; ++number) {
    packs.push_back(store_pack(
        *fixture.repository,
        {test_blob(*fixture.repository, ""), test_blob(*fixture.repository, "pack " + std::to_string(number)),
         test_blob(*fixture.repository, "more " + std::to_string(number))}));
  }
  REQUIRE(fixture.repository->commit(test_plan(packs)).committed);
  REQUIRE(fixture.repository->state()->segments_size() == 1);
  CommitPlan plan = fixture.removal();
  plan.removal.condemn = {packs[2].name};
  REQUIRE(fixture.repository->commit(plan).committed);
  plan = fixture.removal();
  plan.removal.drop = {packs[2].name};
  plan.removal.replace_segments = fixture.repository->index().segments_naming({packs[2].name});
  REQUIRE(fixture.repository->commit(plan).committed);
  const auto other = fixture.other_machine.open(fixture.destination, fixture.keyring);
  for (int number = 0; number < 5; ++number) {
    const auto blob = test_blob(*other, "more " + std::to_string(number));
    if (number == 2) {
      CHECK(kind_of([&] { other->read(blob.kind, blob.id); }) == ErrorKind::kNotFound);
    } else {
      CHECK(other->read(blob.kind, blob.id) == blob.content);
    }
  }
  CHECK(other->index().live_packs().size() == 4);
}

TEST_CASE("segments of an unfinished run are not replaced") {
  RemovalFixture fixture;
  CommitPlan plan;
  plan.packs = {store_pack(*fixture.repository, {test_blob(*fixture.repository, "one")})};
  store::v1::UnfinishedRoot root;
  set_uuid(*root.mutable_run(), Uuid::random());
  plan.set_roots = {root};
  REQUIRE(fixture.repository->commit(plan).committed);
  CommitPlan removal = fixture.removal();
  removal.removal.replace_segments = fixture.repository->index().segments_naming({plan.packs[0].name});
  CHECK(kind_of([&] { fixture.repository->commit(removal); }) == ErrorKind::kConflict);
}

TEST_CASE("a record that removes a pinned snapshot is accepted by nobody") {
  RemovalFixture fixture;
  fixture.add("one");
  const auto id = fixture.snapshot(0);
  CommitPlan plan = fixture.removal();
  plan.removal.pin = {id};
  REQUIRE(fixture.repository->commit(plan).committed);
  CHECK((store::features_of(*fixture.repository->state()).prune & store::kPinsFeature) != 0);
  plan = fixture.removal();
  plan.removal.remove_snapshots = {id};
  CHECK(kind_of([&] { fixture.repository->commit(plan); }) == ErrorKind::kConflict);
  // Written all the same, as another program could.
  store::Record record = next_record(*fixture.repository);
  record.body.add_remove_snapshots(id.value.data(), id.value.size());
  REQUIRE(put_record(*fixture.repository, record, fixture.machine.key));
  CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kDamaged);
}

TEST_CASE("pinning takes the flag, and a version that lacks a flag removes nothing") {
  RemovalFixture fixture;
  fixture.add("one");
  store::Record record = next_record(*fixture.repository);
  const auto id = fixture.snapshot(0);
  record.body.add_pin(id.value.data(), id.value.size());
  REQUIRE(put_record(*fixture.repository, record, fixture.machine.key));
  CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kDamaged);

  RemovalFixture newer;
  newer.add("one");
  forge_record(*newer.repository, [](store::Record& next) { next.features.prune = 1u << 7; });
  CommitPlan plan = newer.removal();
  plan.removal.remove_snapshots = {newer.snapshot(0)};
  CHECK(kind_of([&] { newer.repository->commit(plan); }) == ErrorKind::kNewerFormat);
}

TEST_CASE("whoever removes trusts no state that was left for it") {
  RemovalFixture fixture;
  fixture.add("one");
  fixture.add("two");
  // Up to the generation after which a state is written.
  while (fixture.repository->state()->generation() < store::kStateInterval) fixture.add("more");
  const auto honest = fixture.repository->state();
  REQUIRE(honest->generation() == store::kStateInterval);
  store::v1::RepositoryState forged = *honest;
  forged.mutable_snapshots()->DeleteSubrange(0, 1);
  forged.mutable_segments()->DeleteSubrange(0, 1);
  crypto::Digest hash;
  std::ranges::copy(as_bytes(honest->record_hash()), hash.begin());
  const std::string key = store::state_key(honest->generation(), hash);
  fixture.destination->remove(key);
  fixture.destination->put(key,
                           store::seal_state(forged, fixture.keyring, fixture.repository->header().repository,
                                             fixture.machine.key.uuid()));
  fixture.repository.reset();
  fixture.machine.lose_cache();
  fixture.repository = fixture.machine.open(fixture.destination, fixture.keyring);
  // A backup may rest on it.
  REQUIRE(fixture.repository->state()->snapshots_size() == forged.snapshots_size());
  const auto is_honest = [&] {
    return fixture.repository->state()->SerializeAsString() == honest->SerializeAsString();
  };
  SECTION("it reads the log") {
    fixture.repository->read_whole_log();
    CHECK(is_honest());
  }
  SECTION("what keeps it from that leaves it for the next time") {
    const std::string index =
        fixture.machine.folder.path("cache/" + fixture.repository->header().repository.text() + "/index");
    std::filesystem::rename(index, index + ".away");
    CHECK_THROWS_AS(fixture.repository->read_whole_log(), Error);
    CHECK_FALSE(is_honest());
    std::filesystem::rename(index + ".away", index);
    fixture.repository->read_whole_log();
    CHECK(is_honest());
  }
  SECTION("what was decided by it is not done") {
    CommitPlan plan = fixture.removal();
    plan.removal.remove_snapshots = {fixture.snapshot(0)};
    CHECK(fixture.repository->commit(plan).overtaken);
    CHECK(is_honest());
    CHECK(fixture.repository->commit(plan).committed);
  }
}
