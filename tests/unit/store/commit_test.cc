// What a commit checks, and how it gets its place in the log.
#include <algorithm>
#include <thread>

#include "destination/local.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

// The first machine made the repository; the second has opened it, through hooks.
struct CommitFixture {
  CryptoReady ready;
  std::shared_ptr<MemoryDestination> destination = std::make_shared<MemoryDestination>();
  std::shared_ptr<HookedDestination> hooked = std::make_shared<HookedDestination>(destination);
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine first;
  Machine second;
  std::unique_ptr<Repository> owner = first.create(destination, keyring);
  std::unique_ptr<Repository> repository = second.open(hooked, keyring);

  // A committed snapshot with one blob in a pack of its own.
  struct Stored {
    TestBlob blob;
    FinishedPack pack;
    crypto::BlobId snapshot;
  };
  Stored store(Repository& by, std::string_view text) {
    Stored stored;
    stored.blob = test_blob(by, text);
    stored.pack = store_pack(by, {stored.blob});
    const CommitOutcome outcome = by.commit(test_plan({stored.pack}));
    REQUIRE(outcome.committed);
    stored.snapshot = *outcome.snapshot_id;
    return stored;
  }
  std::size_t objects(const std::string& prefix) const { return destination->list(prefix, "").size(); }
};

v1::UnfinishedRoot test_root(const Uuid& run) {
  v1::UnfinishedRoot root;
  set_uuid(*root.mutable_run(), run);
  return root;
}

}  // namespace

TEST_CASE("a new writer's first record lists it as one that may add") {
  CommitFixture fixture;
  CHECK(fixture.repository->state()->writers_size() == 1);
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  const v1::Writer* entry = find_writer(*fixture.repository->state(), fixture.second.key.uuid());
  REQUIRE(entry != nullptr);
  CHECK(entry->role() == v1::ROLE_ADD);
  CHECK(entry->host().starts_with("host-"));
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  CHECK(fixture.repository->state()->writers_size() == 2);
}

TEST_CASE("a backup in which nothing is new costs one record") {
  CommitFixture fixture;
  const auto before = fixture.destination->list("", "");
  const CommitOutcome outcome = fixture.repository->commit(test_plan({}));
  REQUIRE(outcome.committed);
  const auto after = fixture.destination->list("", "");
  REQUIRE(after.size() == before.size() + 1);
  CHECK(outcome.stored_bytes == fixture.destination->object(record_key(2)).size());
}

TEST_CASE("a small segment stands in its record, a large one in an object of its own") {
  CommitFixture fixture;
  fixture.store(*fixture.repository, "small");
  CHECK(fixture.objects("index/") == 0);
  CHECK_FALSE(fixture.repository->state()->segments(0).inlined().empty());

  std::vector<TestBlob> many;
  for (int i = 0; i < 200; ++i) many.push_back(test_blob(*fixture.repository, "blob " + std::to_string(i)));
  REQUIRE(fixture.repository->commit(test_plan({store_pack(*fixture.repository, many)})).committed);
  CHECK(fixture.objects("index/") == 1);
  fixture.owner->refresh();
  CHECK(fixture.owner->read(crypto::BlobKind::kData, many[77].id) == many[77].content);
}

TEST_CASE("snapshots of a set are numbered in the order of the log, whoever makes them") {
  CommitFixture fixture;
  const Uuid set = Uuid::random();
  const CommitOutcome a = fixture.repository->commit(test_plan({}, set));
  const CommitOutcome b = fixture.owner->commit(test_plan({}, set));
  const CommitOutcome other = fixture.repository->commit(test_plan({}));
  const CommitOutcome c = fixture.repository->commit(test_plan({}, set));
  const auto state = fixture.repository->state();
  const auto sequence = [&](const CommitOutcome& outcome) {
    return find_snapshot(*state, outcome.snapshot_id->view())->snapshot().sequence();
  };
  CHECK(sequence(a) == 1);
  CHECK(sequence(b) == 2);
  CHECK(sequence(c) == 3);
  CHECK(sequence(other) == 1);
  for (const v1::SnapshotEntry& entry : state->snapshots()) {
    const std::string content = entry.snapshot().SerializeAsString();
    const crypto::BlobId id = fixture.repository->hasher().id(crypto::BlobKind::kSnapshot, as_bytes(content));
    CHECK(as_text(id.view()) == entry.id());
  }
}

TEST_CASE("a snapshot that its run has numbered keeps that number, and with it its id") {
  CommitFixture fixture;
  const Uuid set = Uuid::random();
  const auto commit = [&](std::uint64_t number) {
    CommitPlan plan = test_plan({}, set);
    plan.snapshot->set_sequence(number);
    const CommitOutcome outcome = fixture.repository->commit(plan);
    const std::uint64_t listed =
        find_snapshot(*fixture.repository->state(), outcome.snapshot_id->view())->snapshot().sequence();
    const std::string content = plan.snapshot->SerializeAsString();
    const bool same = fixture.repository->hasher().id(crypto::BlobKind::kSnapshot, as_bytes(content)) ==
                      *outcome.snapshot_id;
    CHECK(same == (number != 0));
    return listed;
  };
  CHECK(commit(7) == 7);
  CHECK(commit(0) == 8);
  CHECK(commit(3) == 3);
  CHECK(commit(3) == 3);  // two runs that did not know of each other
  CHECK(commit(0) == 9);
  CHECK(commit(UINT64_MAX) == UINT64_MAX);
  CHECK(commit(0) == UINT64_MAX);
}

TEST_CASE("listed snapshots are offered for a metadata pack until one holds them") {
  CommitFixture fixture;
  const CommitOutcome outcome = fixture.repository->commit(test_plan({}));
  const std::vector<v1::Snapshot> without = fixture.repository->snapshots_without_pack();
  REQUIRE(without.size() == 1);
  const std::string content = without[0].SerializeAsString();
  const TestBlob blob = test_blob(*fixture.repository, content, crypto::BlobKind::kSnapshot);
  CHECK(blob.id == *outcome.snapshot_id);
  REQUIRE(fixture.repository->commit(test_plan({store_pack(*fixture.repository, {blob})})).committed);
  const std::vector<v1::Snapshot> left = fixture.repository->snapshots_without_pack();
  REQUIRE(left.size() == 1);
  CHECK(left[0].run() != without[0].run());
}

TEST_CASE("the loser of a race reads the record that won and comes after it") {
  CommitFixture fixture;
  const Uuid set = Uuid::random();
  int races = 0;
  std::function<void(const std::string&)> race = [&](const std::string&) {
    REQUIRE(fixture.owner->commit(test_plan({}, set)).committed);
    if (++races < 3) fixture.hooked->before_put_exclusive = race;
  };
  fixture.hooked->before_put_exclusive = race;
  const TestBlob blob = test_blob(*fixture.repository, "mine");
  const CommitOutcome outcome =
      fixture.repository->commit(test_plan({store_pack(*fixture.repository, {blob})}, set));
  REQUIRE(outcome.committed);
  CHECK(races == 3);
  CHECK(outcome.generation == 5);
  const auto state = fixture.repository->state();
  CHECK(state->snapshots_size() == 4);
  CHECK(find_snapshot(*state, outcome.snapshot_id->view())->snapshot().sequence() == 4);
  fixture.owner->refresh();
  CHECK(fixture.owner->state()->SerializeAsString() == state->SerializeAsString());
  CHECK(fixture.owner->read(crypto::BlobKind::kData, blob.id) == blob.content);
}

TEST_CASE("a record of its own that is said to exist was created") {
  CommitFixture fixture;
  fixture.hooked->answer_put_exclusive = [](bool created) {
    CHECK(created);
    return false;
  };
  const CommitOutcome outcome = fixture.repository->commit(test_plan({}));
  CHECK(outcome.committed);
  CHECK(outcome.generation == 2);
  CHECK(fixture.objects("log/") == 2);
}

TEST_CASE("a commit whose answer was lost is found when it is tried again") {
  CommitFixture fixture;
  const Uuid run = Uuid::random();
  CommitPlan plan = test_plan({store_pack(*fixture.repository, {test_blob(*fixture.repository, "once")})});
  SECTION("with a snapshot") {}
  SECTION("with an unfinished root") {
    plan.snapshot.reset();
    plan.set_roots = {test_root(run)};
  }
  const auto lose_answer = [](bool) -> bool { throw Error(ErrorKind::kDestinationAway, "no answer"); };
  fixture.hooked->answer_put_exclusive = lose_answer;
  CHECK(kind_of([&] { fixture.repository->commit(plan); }) == ErrorKind::kDestinationAway);
  CHECK(fixture.repository->state()->generation() == 1);
  const CommitOutcome again = fixture.repository->commit(plan);
  CHECK(again.committed);
  const auto state = fixture.repository->state();
  CHECK(state->segments_size() == 1);
  if (plan.snapshot) {
    CHECK(state->generation() == 2);
    CHECK(again.snapshot_id->hex() == to_hex(as_bytes(state->snapshots(0).id())));
    CHECK(fixture.repository->snapshot_of_run(Uuid::from_bytes(as_bytes(plan.snapshot->run()))));
  } else {
    REQUIRE(state->roots_size() == 1);
    CHECK(state->roots(0).segments(0) == state->segments(0).name());
  }
}

TEST_CASE("a plan that changes nothing commits nothing") {
  CommitFixture fixture;
  CommitPlan plan;
  plan.remove_roots = {Uuid::random()};
  const CommitOutcome outcome = fixture.repository->commit(plan);
  CHECK(outcome.committed);
  CHECK(outcome.generation == 1);
  CHECK(outcome.stored_bytes == 0);
  CHECK(fixture.objects("log/") == 1);
}

TEST_CASE("a name that was condemned, dropped, or never there, is lost") {
  CommitFixture fixture;
  const CommitFixture::Stored stored = fixture.store(*fixture.owner, "old");
  fixture.repository->refresh();
  Random random(1);
  CommitPlan plan = test_plan({});
  ObjectName name = stored.pack.name;
  SECTION("condemned") { forge_condemn(*fixture.owner, {stored.snapshot}, {name}); }
  SECTION("dropped") { forge_removal(*fixture.owner, {stored.snapshot}, {name}); }
  SECTION("condemned at the last moment") {
    fixture.hooked->before_put_exclusive = [&](const std::string&) {
      forge_condemn(*fixture.owner, {stored.snapshot}, {name});
    };
  }
  SECTION("never there") { name = random_name(random); }
  SECTION("an orphan of somebody else") { name = store_pack(*fixture.owner, {stored.blob}).name; }
  plan.names = {name};
  const CommitOutcome outcome = fixture.repository->commit(plan);
  CHECK_FALSE(outcome.committed);
  CHECK(outcome.lost_names == std::set<ObjectName>{name});
  CHECK(outcome.lost_snapshots.empty());
  CHECK_FALSE(fixture.repository->snapshot_of_run(Uuid::from_bytes(as_bytes(plan.snapshot->run()))));
}

TEST_CASE("a base snapshot that is not listed any more is lost") {
  CommitFixture fixture;
  const CommitFixture::Stored stored = fixture.store(*fixture.owner, "base");
  CommitPlan plan = test_plan({});
  plan.base_snapshots = {stored.snapshot};
  REQUIRE(fixture.repository->commit(plan).committed);

  plan = test_plan({});
  plan.base_snapshots = {stored.snapshot};
  SECTION("before") { forge_condemn(*fixture.owner, {stored.snapshot}, {}); }
  SECTION("at the last moment") {
    fixture.hooked->before_put_exclusive = [&](const std::string&) {
      forge_condemn(*fixture.owner, {stored.snapshot}, {});
    };
  }
  const CommitOutcome outcome = fixture.repository->commit(plan);
  CHECK_FALSE(outcome.committed);
  CHECK(outcome.lost_snapshots == std::set<crypto::BlobId>{stored.snapshot});
  CHECK(outcome.lost_names.empty());
}

TEST_CASE("an own pack that was taken for an orphan is lost, however far its removal has gone") {
  CommitFixture fixture;
  const TestBlob blob = test_blob(*fixture.repository, "slow upload");
  const FinishedPack pack = store_pack(*fixture.repository, {blob});
  const CommitPlan plan = test_plan({pack});
  const auto at_last_moment = [&](std::function<void()> act) {
    fixture.hooked->before_put_exclusive = [act = std::move(act)](const std::string&) { act(); };
  };
  SECTION("condemned") { forge_condemn(*fixture.owner, {}, {pack.name}); }
  SECTION("condemned and deleted") {
    forge_condemn(*fixture.owner, {}, {pack.name});
    fixture.destination->remove(pack_key(pack.name));
  }
  SECTION("dropped") { forge_removal(*fixture.owner, {}, {pack.name}); }
  SECTION("condemned at the last moment") {
    at_last_moment([&] { forge_condemn(*fixture.owner, {}, {pack.name}); });
  }
  SECTION("dropped at the last moment: no state tells of it, for no segment names it") {
    at_last_moment([&] { forge_removal(*fixture.owner, {}, {pack.name}); });
  }
  SECTION("gone without a record") { fixture.destination->remove(pack_key(pack.name)); }
  SECTION("cut short") { fixture.destination->object(pack_key(pack.name)).resize(1000); }
  const CommitOutcome outcome = fixture.repository->commit(plan);
  CHECK_FALSE(outcome.committed);
  CHECK(outcome.lost_names == std::set<ObjectName>{pack.name});
}

TEST_CASE("an own pack that was removed while its put was repeated, and is there again, is lost") {
  CommitFixture fixture;
  const TestBlob blob = test_blob(*fixture.repository, "a line that breaks");
  const std::uint64_t began = fixture.repository->state()->generation();
  // The answer to the first put is lost. The second one finds the name free.
  std::optional<ObjectName> removed;
  fixture.hooked->before_put_file = [&](const std::string& key) {
    if (removed) return;
    removed = ObjectName::from_hex(base_name(key));
    fixture.destination->put(key, blob.content);
    forge_removal(*fixture.owner, {}, {*removed});
  };
  const FinishedPack pack = store_pack(*fixture.repository, {blob});
  REQUIRE(removed == pack.name);
  REQUIRE(fixture.destination->size(pack_key(pack.name)) == pack.size);
  SECTION("the commit reads of that") {}
  SECTION("somebody has read of that before") { fixture.repository->refresh(); }
  SECTION("a later process takes the pack over") {
    fixture.repository = fixture.second.open(fixture.hooked, fixture.keyring);
    fixture.repository->await({pack.name}, began);
  }
  CHECK(fixture.repository->state()->dead().empty());
  CommitOutcome outcome = fixture.repository->commit(test_plan({pack}));
  CHECK_FALSE(outcome.committed);
  CHECK(outcome.lost_names == std::set<ObjectName>{pack.name});
  // Under another name it is as any other.
  const FinishedPack again = store_pack(*fixture.repository, {blob});
  REQUIRE(fixture.repository->commit(test_plan({again})).committed);

  // What is left is removed once more, as the orphan that it is, and whoever reads of both takes them.
  forge_removal(*fixture.owner, {}, {pack.name});
  Machine third;
  const auto reader = third.open(fixture.destination, fixture.keyring);
  CHECK(reader->read(blob.kind, blob.id) == blob.content);
}

TEST_CASE("an own segment that was taken for an orphan is made again") {
  CommitFixture fixture;
  std::vector<TestBlob> many;
  for (int i = 0; i < 200; ++i) many.push_back(test_blob(*fixture.repository, "blob " + std::to_string(i)));
  const FinishedPack pack = store_pack(*fixture.repository, many);
  std::string condemned;
  fixture.hooked->before_put_exclusive = [&](const std::string&) {
    condemned = fixture.destination->list("index/", "").front().key;
    forge_condemn(*fixture.owner, {}, {ObjectName::from_hex(condemned.substr(6))});
    fixture.destination->remove(condemned);
  };
  REQUIRE(fixture.repository->commit(test_plan({pack})).committed);
  REQUIRE(fixture.objects("index/") == 1);
  CHECK(fixture.destination->list("index/", "").front().key != condemned);
  fixture.owner->refresh();
  CHECK(fixture.owner->read(crypto::BlobKind::kData, many[3].id) == many[3].content);
}

TEST_CASE("a long run's root gathers its segments and gives way to its snapshot") {
  CommitFixture fixture;
  const Uuid run = Uuid::random();
  const auto commit_part = [&](std::string_view text) {
    CommitPlan plan;
    plan.packs = {store_pack(*fixture.repository, {test_blob(*fixture.repository, text)})};
    plan.set_roots = {test_root(run)};
    REQUIRE(fixture.repository->commit(plan).committed);
  };
  commit_part("first 10 GiB");
  commit_part("next 10 GiB");
  auto state = fixture.repository->state();
  REQUIRE(state->roots_size() == 1);
  CHECK(state->roots(0).segments_size() == 2);
  CHECK(state->roots(0).writer() == as_text(fixture.second.key.uuid().view()));
  CHECK(state->roots(0).generation() == 3);

  CommitPlan last =
      test_plan({store_pack(*fixture.repository, {test_blob(*fixture.repository, "the rest")})});
  last.remove_roots = {run};
  REQUIRE(fixture.repository->commit(last).committed);
  state = fixture.repository->state();
  CHECK(state->roots().empty());
  CHECK(state->segments_size() == 3);
  CHECK(state->snapshots_size() == 1);
}

TEST_CASE("two writers commit from threads at the same time: nothing is lost and the chain is whole") {
  const CryptoReady ready;
  const TemporaryFolder root;
  const auto destination = std::make_shared<destination::LocalDestination>(root.path("repository"));
  destination->create_folder();
  const crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine machines[2];
  std::unique_ptr<Repository> repositories[2] = {machines[0].create(destination, keyring), nullptr};
  repositories[1] = machines[1].open(destination, keyring);
  constexpr int kEach = 10;
  const Uuid set = Uuid::random();
  std::vector<TestBlob> blobs[2];
  std::string failure[2];
  const auto write = [&](std::size_t who) {
    try {
      Repository& repository = *repositories[who];
      for (int i = 0; i < kEach; ++i) {
        const std::string text = std::to_string(who) + " wrote " + std::to_string(i);
        blobs[who].push_back(test_blob(repository, text));
        const FinishedPack pack = store_pack(repository, {blobs[who].back()});
        if (!repository.commit(test_plan({pack}, set)).committed) throw Error(ErrorKind::kInternal, "lost");
      }
    } catch (const std::exception& error) {
      failure[who] = error.what();
    }
  };
  std::thread other(write, 1);
  write(0);
  other.join();
  CHECK(failure[0].empty());
  CHECK(failure[1].empty());

  Machine third;
  const auto reader = third.open(destination, keyring);
  CHECK(reader->state()->generation() == 1 + 2 * kEach);
  REQUIRE(reader->state()->snapshots_size() == 2 * kEach);
  for (int i = 0; i < 2 * kEach; ++i) {
    CHECK(reader->state()->snapshots(i).snapshot().sequence() == static_cast<std::uint64_t>(i + 1));
  }
  for (const auto& of_one : blobs) {
    for (const TestBlob& blob : of_one) {
      CHECK(reader->read(crypto::BlobKind::kData, blob.id) == blob.content);
    }
  }
}

TEST_CASE("a rebuilt log begins above every generation, and others stop") {
  CommitFixture fixture;
  const CommitFixture::Stored stored = fixture.store(*fixture.owner, "kept");
  const CommitFixture::Stored also = fixture.store(*fixture.owner, "also kept");
  fixture.repository->refresh();
  const v1::SnapshotEntry entry = *find_snapshot(*fixture.owner->state(), stored.snapshot.view());
  fixture.owner.reset();

  // A third machine finds the log damaged and rebuilds it.
  Machine third;
  fixture.destination->object(record_key(1))[99] ^= 1;
  CHECK(kind_of([&] { third.open(fixture.destination, fixture.keyring); }) == ErrorKind::kDamaged);
  const auto rebuilt = Repository::open_without_log(third.context(fixture.destination, fixture.keyring));
  CHECK(rebuilt->state()->generation() == 0);
  CHECK(kind_of([&] { rebuilt->chunker(); }) == ErrorKind::kConflict);
  CHECK(kind_of([&] { rebuilt->commit(test_plan({})); }) == ErrorKind::kConflict);
  CommitPlan plan;
  plan.packs = {stored.pack, also.pack};
  plan.recovered_snapshots = {entry};
  const std::uint64_t seen = (std::uint64_t{2} << kLogNumberShift) + 77;
  const CommitOutcome outcome = rebuilt->rebuild_log(plan, seen, small_parameters());
  REQUIRE(outcome.committed);
  CHECK(outcome.generation == std::uint64_t{3} << kLogNumberShift);
  CHECK(rebuilt->read(crypto::BlobKind::kData, stored.blob.id) == stored.blob.content);
  CHECK(rebuilt->chunker().sizes().average == small_parameters().chunk_average());
  REQUIRE(rebuilt->state()->snapshots_size() == 1);
  CHECK(rebuilt->state()->snapshots(0).recovered());
  CHECK(rebuilt->state()->writers(0).role() == v1::ROLE_REMOVE);
  REQUIRE(rebuilt->commit(test_plan({})).committed);

  // Who has seen the old log stops, with and without a cache; who has not, and who rebuilt it, goes on.
  CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kForked);
  CHECK(kind_of([&] { fixture.first.open(fixture.destination, fixture.keyring); }) == ErrorKind::kForked);
  fixture.first.lose_cache();
  CHECK(kind_of([&] { fixture.first.open(fixture.destination, fixture.keyring); }) == ErrorKind::kForked);
  Machine fourth;
  CHECK(fourth.open(fixture.destination, fixture.keyring)->state()->snapshots_size() == 2);
  CHECK(third.open(fixture.destination, fixture.keyring)->state()->generation() == outcome.generation + 1);
}

TEST_CASE("a log is not rebuilt of packs that are not there") {
  CommitFixture fixture;
  const FinishedPack pack = store_pack(*fixture.owner, {test_blob(*fixture.owner, "gone")});
  fixture.destination->remove(pack_key(pack.name));
  const auto rebuilt =
      Repository::open_without_log(fixture.first.context(fixture.destination, fixture.keyring));
  CommitPlan plan;
  plan.packs = {pack};
  const CommitOutcome outcome = rebuilt->rebuild_log(plan, 1, small_parameters());
  CHECK_FALSE(outcome.committed);
  CHECK(outcome.lost_names == std::set<ObjectName>{pack.name});
  CHECK(fixture.objects("log/") == 1);
}

TEST_CASE("of two that rebuild a log at the same time one is told so") {
  CommitFixture fixture;
  const auto rebuild = [&](Machine& machine, std::shared_ptr<destination::Destination> destination) {
    return Repository::open_without_log(machine.context(std::move(destination), fixture.keyring))
        ->rebuild_log({}, 1, small_parameters());
  };
  fixture.hooked->before_put_exclusive = [&](const std::string&) {
    Machine other;
    REQUIRE(rebuild(other, fixture.destination).committed);
  };
  CHECK(kind_of([&] { rebuild(fixture.second, fixture.hooked); }) == ErrorKind::kConflict);
}
