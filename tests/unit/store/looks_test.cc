// How often the log is looked at, and what is noticed all the same.
#include "destination/local.h"
#include "support/counting_destination.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/set_clock.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;
using namespace std::chrono_literals;

namespace {

// One machine has made the repository; this one has opened it, at a place where every request counts.
struct LooksFixture {
  CryptoReady ready;
  std::shared_ptr<MemoryDestination> memory = std::make_shared<MemoryDestination>();
  std::shared_ptr<HookedDestination> hooked = std::make_shared<HookedDestination>(memory);
  std::shared_ptr<CountingDestination> place;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  SetClock clock;
  Machine other_machine;
  Machine machine;
  std::unique_ptr<Repository> other = other_machine.create(memory, keyring);
  std::unique_ptr<Repository> repository;

  explicit LooksFixture(CountingDestination::Sums sums = CountingDestination::Sums::kTold)
      : place(std::make_shared<CountingDestination>(hooked, sums)) {
    open();
    place->taken();
  }
  void open() { open_as(machine); }
  void open_as(Machine& who) {
    repository.reset();
    RepositoryContext context = who.context(place, keyring);
    context.clock = &clock;
    repository = Repository::open(std::move(context));
  }
  CommitPlan removal() const {
    CommitPlan plan;
    plan.removal.decided_on = repository->state()->generation();
    return plan;
  }
  std::vector<std::pair<std::string, Bytes>> copy_objects() {
    std::vector<std::pair<std::string, Bytes>> objects;
    for (const auto& object : memory->list("", ""))
      objects.emplace_back(object.key, memory->object(object.key));
    return objects;
  }
  void restore_objects(const std::vector<std::pair<std::string, Bytes>>& objects) {
    for (const auto& object : memory->list("", "")) memory->remove(object.key);
    for (const auto& [key, bytes] : objects) memory->put(key, bytes);
  }
};

using Sums = CountingDestination::Sums;

}  // namespace

TEST_CASE("a look and a commit that adds no pack: one listing and one record") {
  LooksFixture fixture;
  fixture.repository->refresh();
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  CHECK(fixture.place->taken() == "list log 1, put log 1");
  // And again, also in another process.
  for (int day = 0; day < 3; ++day) {
    fixture.clock.pass(24h);
    if (day == 1) {
      fixture.open();
      CHECK(fixture.place->taken() == "get garner.repo 1, list log 1");
    } else {
      fixture.repository->refresh();
      CHECK(fixture.place->taken() == "list log 1");
    }
    REQUIRE(fixture.repository->commit(test_plan({})).committed);
    CHECK(fixture.place->taken() == "put log 1");
  }
  fixture.other->refresh();
  CHECK(fixture.other->state()->SerializeAsString() == fixture.repository->state()->SerializeAsString());
  CHECK(fixture.other->state()->snapshots_size() == 4);
}

TEST_CASE("where no sums are told, or others, the log is looked at and the newest record read") {
  LooksFixture fixture(GENERATE(Sums::kNone, Sums::kOther));
  for (int i = 0; i < 3; ++i) {
    fixture.repository->refresh();
    REQUIRE(fixture.repository->commit(test_plan({})).committed);
    CHECK(fixture.place->taken() == "get log 1, list log 2, put log 1");
  }
}

TEST_CASE("who wants a state to begin with takes one of a minute ago, where asking costs something") {
  LooksFixture fixture;
  fixture.clock.pass(60s);
  fixture.repository->refresh(kLookToBeginWith);
  CHECK(fixture.place->taken().empty());
  fixture.clock.pass(1s);
  fixture.repository->refresh(kLookToBeginWith);
  CHECK(fixture.place->taken() == "list log 1");
  fixture.repository->refresh(kLookToBeginWith);
  fixture.repository->read_whole_log(kLookToBeginWith);
  CHECK(fixture.place->taken().empty());
  fixture.repository->refresh();
  CHECK(fixture.place->taken() == "list log 1");

  const TemporaryFolder root;
  const auto folder = std::make_shared<destination::LocalDestination>(root.path("repository"));
  folder->create_folder();
  const auto counted = std::make_shared<CountingDestination>(folder);
  counted->asking_costs = false;
  const auto local = fixture.machine.create(counted, fixture.keyring);
  local->refresh();
  counted->taken();
  local->refresh(kLookToBeginWith);
  CHECK(counted->taken() == "list log 1");
}

TEST_CASE("a commit of more than records, and one whose last look is old, lists the log") {
  LooksFixture fixture;
  const auto commit = [&](const CommitPlan& plan) {
    fixture.place->taken();
    REQUIRE(fixture.repository->commit(plan).committed);
    return fixture.place->taken().find("list log 1") != std::string::npos;
  };
  SECTION("not so old") {
    fixture.clock.pass(kLookIsGoodFor);
    CHECK_FALSE(commit(test_plan({})));
    CHECK_FALSE(commit(test_plan({})));
    // Its own commits are no looks.
    fixture.clock.pass(1s);
    CHECK(commit(test_plan({})));
    CHECK_FALSE(commit(test_plan({})));
  }
  SECTION("old") {
    fixture.clock.pass(kLookIsGoodFor + 1s);
    CHECK(commit(test_plan({})));
  }
  SECTION("of before the machine slept") {
    fixture.clock.wall += kLookIsGoodFor + 1s;
    CHECK(commit(test_plan({})));
  }
  SECTION("of before the wall clock was put back") {
    fixture.clock.wall -= 1s;
    CHECK(commit(test_plan({})));
  }
  SECTION("with a pack") {
    CHECK(commit(test_plan({store_pack(*fixture.repository, {test_blob(*fixture.repository, "new")})})));
  }
  SECTION("that removes") {
    fixture.other->commit(test_plan({}));
    fixture.other.reset();
    fixture.open_as(fixture.other_machine);
    CommitPlan plan = fixture.removal();
    plan.removal.remove_snapshots = {
        crypto::BlobId::from_bytes(as_bytes(fixture.repository->state()->snapshots(0).id()))};
    CHECK(commit(plan));
  }
}

TEST_CASE("somebody else's commit since the look costs a listing, and its record") {
  LooksFixture fixture;
  const Uuid set = Uuid::random();
  const TestBlob blob = test_blob(*fixture.other, "theirs");
  fixture.other->commit(test_plan({store_pack(*fixture.other, {blob})}, set));
  const CommitOutcome outcome = fixture.repository->commit(test_plan({}, set));
  REQUIRE(outcome.committed);
  CHECK(outcome.generation == 3);
  // The first try, what stands there, the listing, the record, the second try.
  CHECK(fixture.place->taken() == "get log 2, list log 1, put log 2");
  const auto state = fixture.repository->state();
  REQUIRE(state->snapshots_size() == 2);
  CHECK(state->snapshots(1).snapshot().sequence() == 2);
  CHECK(fixture.repository->read(crypto::BlobKind::kData, blob.id) == blob.content);
  fixture.other->refresh();
  CHECK(fixture.other->state()->SerializeAsString() == state->SerializeAsString());
}

TEST_CASE("what was removed since the look is lost to a commit that goes by it") {
  LooksFixture fixture;
  const TestBlob blob = test_blob(*fixture.other, "old");
  const FinishedPack pack = store_pack(*fixture.other, {blob});
  const CommitOutcome stored = fixture.other->commit(test_plan({pack}));
  fixture.repository->refresh();
  CommitPlan plan = test_plan({});
  plan.names = {pack.name};
  plan.base_snapshots = {*stored.snapshot_id};
  SECTION("a pack that it refers to, and the snapshot that it rests on") {
    forge_removal(*fixture.other, {*stored.snapshot_id}, {pack.name});
    const CommitOutcome outcome = fixture.repository->commit(plan);
    CHECK_FALSE(outcome.committed);
    CHECK(outcome.lost_names == std::set<ObjectName>{pack.name});
    CHECK(outcome.lost_snapshots == std::set<crypto::BlobId>{*stored.snapshot_id});
  }
  SECTION("nothing, though others commit") {
    fixture.other->commit(test_plan({}));
    CHECK(fixture.repository->commit(plan).committed);
  }
}

TEST_CASE("after an answer that was lost the log is listed, and the commit found") {
  LooksFixture fixture;
  const CommitPlan plan = test_plan({});
  fixture.hooked->answer_put_exclusive = [](bool) -> bool {
    throw Error(ErrorKind::kDestinationAway, "no answer");
  };
  CHECK(kind_of([&] { fixture.repository->commit(plan); }) == ErrorKind::kDestinationAway);
  fixture.place->taken();
  const CommitOutcome again = fixture.repository->commit(plan);
  CHECK(again.committed);
  CHECK(again.generation == 2);
  CHECK(fixture.place->taken() == "get log 1, list log 1");
}

TEST_CASE("a log that was put back since the look is found by the next one") {
  LooksFixture fixture;
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  const auto yesterday = fixture.copy_objects();
  fixture.repository->refresh();
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  fixture.restore_objects(yesterday);
  // Record 3 is gone; 4 comes to stand above the gap.
  REQUIRE(fixture.repository->commit(test_plan({})).generation == 4);
  fixture.place->taken();
  const bool reopened = GENERATE(false, true);
  const auto look = [&] {
    if (reopened) return fixture.open();
    fixture.repository->refresh();
  };
  for (int i = 0; i < 2; ++i) {
    try {
      look();
      FAIL("it is gone on with");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDamaged);
      CHECK(std::string(error.what()).find("record 3 of its log") != std::string::npos);
      CHECK(std::string(error.what()).find("garner repair") != std::string::npos);
    }
  }
  if (!reopened) CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kDamaged);
  CHECK(fixture.memory->list("log/", "").size() == 3);
}

TEST_CASE("a log that was put back and gone on with since the look is found by the next one") {
  LooksFixture fixture;
  const auto yesterday = fixture.copy_objects();
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  fixture.repository->refresh();
  fixture.restore_objects(yesterday);
  Machine third;
  const auto forked = third.open(fixture.memory, fixture.keyring);
  forked->commit(test_plan({}));
  REQUIRE(fixture.repository->commit(test_plan({})).generation == 3);
  SECTION("by this process") {
    CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kForked);
    CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kForked);
  }
  SECTION("by another") {
    CHECK(kind_of([&] { fixture.open(); }) == ErrorKind::kForked);
  }
  CHECK(kind_of([&] { forked->refresh(); }) == ErrorKind::kForked);
}

TEST_CASE(
    "a record that was exchanged before the look is found by it where sums are told, else not committed on") {
  const Sums sums = GENERATE(Sums::kTold, Sums::kNone, Sums::kOther);
  LooksFixture fixture(sums);
  const auto yesterday = fixture.copy_objects();
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  fixture.restore_objects(yesterday);
  Machine third;
  third.open(fixture.memory, fixture.keyring)->commit(test_plan({}));
  fixture.place->taken();
  const auto before = fixture.copy_objects();
  if (sums == Sums::kTold) {
    CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kForked);
    CHECK(fixture.place->taken() == "get log 1, list log 1");
  } else {
    fixture.repository->refresh();
    fixture.place->taken();
  }
  CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kForked);
  CHECK(fixture.copy_objects() == before);
  CHECK(fixture.place->taken() == "get log 1, list log 1");
}

TEST_CASE("nobody commits to a log that was rebuilt since the look") {
  LooksFixture fixture;
  REQUIRE(fixture.repository->commit(test_plan({})).committed);
  Machine third;
  const auto rebuilt = Repository::open_without_log(third.context(fixture.memory, fixture.keyring));
  REQUIRE(rebuilt->rebuild_log({}, 2, small_parameters()).committed);
  CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kForked);
  // The place of the next record is taken: whoever reads what is left of the old log can read that as well.
  const LogContext log{*fixture.memory, fixture.keyring, rebuilt->header().repository};
  CHECK(read_record(log, 3).record.body.add_snapshots().empty());
  CHECK(kind_of([&] { follow(log, {}, 3); }) == ErrorKind::kForked);
  // Who opens it anew reads the new log, and commits there.
  fixture.machine.pins.forget();
  fixture.open();
  CHECK(fixture.repository->commit(test_plan({})).generation == first_generation(1) + 1);
}

TEST_CASE("who rebuilds a log learns of a commit that came to it meanwhile") {
  LooksFixture fixture;
  Machine third;
  const auto rebuilt = Repository::open_without_log(third.context(fixture.place, fixture.keyring));
  fixture.hooked->before_put_exclusive = [&](const std::string& key) {
    CHECK(key == record_key(2));
    fixture.other->commit(test_plan({}));
  };
  CHECK(kind_of([&] { rebuilt->rebuild_log({}, 1, small_parameters()); }) == ErrorKind::kConflict);
  CHECK(fixture.memory->list("log/", "").size() == 2);
  CHECK(rebuilt->rebuild_log({}, 2, small_parameters()).committed);
}

TEST_CASE("a state object comes with the first of 32 records that changes what is stored") {
  LooksFixture fixture;
  const auto states = [&] {
    std::vector<std::uint64_t> generations;
    for (const auto& object : fixture.memory->list("state/", ""))
      generations.push_back(parse_state_key(object.key)->generation);
    return generations;
  };
  const auto commit_until = [&](std::uint64_t generation) {
    while (fixture.other->state()->generation() < generation)
      REQUIRE(fixture.other->commit(test_plan({})).committed);
  };
  const auto commit_pack = [&](Repository& by) {
    by.refresh();
    REQUIRE(by.commit(test_plan({store_pack(by, {test_blob(by, Uuid::random().text())})})).committed);
  };
  commit_pack(*fixture.other);
  commit_until(70);
  CHECK(states().empty());
  commit_pack(*fixture.other);
  CHECK(states() == std::vector<std::uint64_t>{71});
  // Whoever comes next in these 32 knows, also in another process, also from that state.
  commit_pack(*fixture.repository);
  fixture.open();
  commit_pack(*fixture.repository);
  fixture.machine.lose_cache();
  fixture.open();
  commit_pack(*fixture.repository);
  CHECK(states() == std::vector<std::uint64_t>{71});
  fixture.other->refresh();
  commit_until(95);
  commit_pack(*fixture.repository);
  CHECK(states() == std::vector<std::uint64_t>{71, 96});
}

TEST_CASE("a log in which nothing changes has a state now and then") {
  v1::RecordBody unchanged;
  unchanged.add_add_snapshots();
  v1::RecordBody changed;
  changed.add_remove_snapshots("id");
  LogEnd end;
  end.last_change = 40;
  const auto is_due = [&](v1::RecordBody body, std::uint64_t generation) {
    body.set_generation(generation);
    return is_state_due(end, body);
  };
  CHECK_FALSE(is_due(changed, 41));
  CHECK_FALSE(is_due(changed, 63));
  CHECK(is_due(changed, 64));
  CHECK(is_due(changed, 90));
  CHECK_FALSE(is_due(unchanged, 64));
  CHECK_FALSE(is_due(unchanged, 40 + kLongestWithoutState - 1));
  CHECK(is_due(unchanged, 40 + kLongestWithoutState));
  // It counts from there.
  OpenedRecord opened;
  opened.record.body = unchanged;
  opened.record.body.set_generation(40 + kLongestWithoutState);
  end.add_created(opened);
  CHECK_FALSE(is_due(unchanged, 41 + kLongestWithoutState));
  CHECK(is_due(unchanged, 40 + 2 * kLongestWithoutState));
}
