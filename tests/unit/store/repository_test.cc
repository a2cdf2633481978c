// Making, opening and reading a repository, and what is noticed when its log is not the one that was seen.
#include "store/repository.h"

#include <algorithm>
#include <fstream>

#include "destination/local.h"
#include "store/key_store.h"
#include "store/state_cache.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

// A repository in memory, made by its first machine.
struct RepositoryFixture {
  CryptoReady ready;
  std::shared_ptr<MemoryDestination> destination = std::make_shared<MemoryDestination>();
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine first;
  Machine second;
  std::unique_ptr<Repository> repository = first.create(destination, keyring);

  std::unique_ptr<Repository> open(Machine& machine) { return machine.open(destination, keyring); }
  ErrorKind error_of_open(Machine& machine) {
    return kind_of([&] { open(machine); });
  }
  CommitOutcome commit_snapshot(Repository& by) {
    const CommitOutcome outcome = by.commit(test_plan({}));
    REQUIRE(outcome.committed);
    return outcome;
  }
  // What a restored disk shows: all objects as they are now.
  std::vector<std::pair<std::string, Bytes>> copy_objects() {
    std::vector<std::pair<std::string, Bytes>> objects;
    for (const auto& object : destination->list("", "")) {
      objects.emplace_back(object.key, destination->object(object.key));
    }
    return objects;
  }
  void restore_objects(const std::vector<std::pair<std::string, Bytes>>& objects) {
    for (const auto& object : destination->list("", "")) destination->remove(object.key);
    for (const auto& [key, bytes] : objects) destination->put(key, bytes);
  }
};

std::string state_text(const Repository& repository) { return repository.state()->SerializeAsString(); }

}  // namespace

TEST_CASE("a repository in a local folder is made, written, opened elsewhere and read") {
  const CryptoReady ready;
  const TemporaryFolder root;
  const auto destination = std::make_shared<destination::LocalDestination>(root.path("repository"));
  destination->create_folder();
  const crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine first;
  const auto repository = first.create(destination, keyring);
  const TestBlob hello = test_blob(*repository, "hello");
  const TestBlob tree = test_blob(*repository, "not quite a tree", crypto::BlobKind::kTree);
  const CommitOutcome outcome =
      repository->commit(test_plan({store_pack(*repository, {hello}), store_pack(*repository, {tree})}));
  REQUIRE(outcome.committed);
  CHECK(outcome.generation == 2);
  CHECK(outcome.stored_bytes > 0);

  Machine second;
  const auto elsewhere = second.open(destination, keyring);
  CHECK(elsewhere->state()->snapshots_size() == 1);
  CHECK(elsewhere->read(crypto::BlobKind::kData, hello.id) == hello.content);
  CHECK(elsewhere->read(crypto::BlobKind::kTree, tree.id) == tree.content);
  CHECK(kind_of([&] { elsewhere->read(crypto::BlobKind::kTree, hello.id); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { elsewhere->read(crypto::BlobKind::kData, crypto::BlobId{}); }) == ErrorKind::kNotFound);
  CHECK(state_text(*elsewhere) == state_text(*repository));
}

TEST_CASE("making a repository writes slots, then the header, then record 1, and can be completed") {
  const CryptoReady ready;
  const crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  const crypto::Secret recovery_key = crypto::generate_recovery_key();
  const v1::KeySlot slot =
      crypto::make_slot(keyring, {v1::SLOT_TYPE_RECOVERY, recovery_key.copy()}, "printed", {1, 0});
  Machine machine;
  const auto inner = std::make_shared<MemoryDestination>();
  const auto destination = std::make_shared<HookedDestination>(inner);
  destination->before_put_exclusive = [&](const std::string& key) {
    CHECK(key == record_key(1));
    CHECK(inner->size(kHeaderKey));
    CHECK(list_slots(*inner).size() == 1);
    throw Error(ErrorKind::kDestinationAway, "the cable was pulled");
  };
  const auto create = [&] {
    return Repository::create(machine.context(destination, keyring), {slot}, small_parameters());
  };
  CHECK(kind_of(create) == ErrorKind::kDestinationAway);
  const Uuid uuid = read_header(*inner).repository;
  CHECK(kind_of([&] { machine.open(destination, keyring); }) == ErrorKind::kDamaged);

  const auto repository = create();
  CHECK(repository->header().repository == uuid);
  CHECK(list_slots(*inner).size() == 1);
  CHECK(repository->state()->generation() == 1);
  CHECK(repository->state()->writers(0).role() == v1::ROLE_REMOVE);
  CHECK(repository->pack_context().recovery_slot == recovery_slot(*inner, repository->keyring()));
  CHECK(kind_of(create) == ErrorKind::kAlreadyExists);
}

TEST_CASE("no repository is made over the rest of another, or with another's keys") {
  RepositoryFixture fixture;
  const crypto::Keyring other = crypto::Keyring::generate({1, 0});
  CHECK(kind_of([&] { fixture.second.create(fixture.destination, other); }) == ErrorKind::kAlreadyExists);
  const Bytes header = fixture.destination->object(kHeaderKey);
  fixture.destination->remove(kHeaderKey);
  CHECK(kind_of([&] { fixture.second.create(fixture.destination, fixture.keyring); }) ==
        ErrorKind::kNotARepository);
  fixture.destination->put(kHeaderKey, header);
  fixture.destination->remove(record_key(1));
  // Its log was seen by this machine, so it is lost, not unfinished.
  CHECK(kind_of([&] { fixture.first.create(fixture.destination, fixture.keyring); }) ==
        ErrorKind::kAlreadyExists);
  CHECK(kind_of([&] { fixture.second.create(fixture.destination, other); }) == ErrorKind::kWrongKey);
  const v1::Parameters nonsense;
  CHECK(kind_of([&] {
          Repository::create(fixture.second.context(std::make_shared<MemoryDestination>(), other), {},
                             nonsense);
        }) == ErrorKind::kInvalidInput);
}

TEST_CASE("an unencrypted repository is opened as one only") {
  const CryptoReady ready;
  const auto destination = std::make_shared<MemoryDestination>();
  Machine machine;
  {
    const auto repository = machine.create(destination, crypto::Keyring::unencrypted());
    CHECK_FALSE(repository->header().encrypted);
    CHECK(repository->pack_context().recovery_slot.empty());
  }
  CHECK_NOTHROW(machine.open(destination, crypto::Keyring::unencrypted()));
  CHECK(kind_of([&] {
          machine.open(destination, crypto::Keyring::generate({1, 0}));
        }) == ErrorKind::kWrongKey);
}

TEST_CASE("a daily look is one listing of the log, and reads no record and no segment") {
  RepositoryFixture fixture;
  const TestBlob blob = test_blob(*fixture.repository, "hello");
  REQUIRE(fixture.repository->commit(test_plan({store_pack(*fixture.repository, {blob})})).committed);
  const auto hooked = std::make_shared<HookedDestination>(fixture.destination);
  fixture.repository.reset();
  const auto reopened = fixture.first.open(hooked, fixture.keyring);
  CHECK(hooked->lists == std::vector<std::string>{"log/"});
  CHECK(hooked->gets == std::vector<std::string>{kHeaderKey});
  CHECK(reopened->read(crypto::BlobKind::kData, blob.id) == blob.content);

  hooked->lists.clear();
  hooked->gets.clear();
  reopened->refresh();
  CHECK(hooked->lists == std::vector<std::string>{"log/"});
  CHECK(hooked->gets.empty());
}

TEST_CASE("what others commit is seen by a refresh") {
  RepositoryFixture fixture;
  const auto other = fixture.open(fixture.second);
  const TestBlob blob = test_blob(*other, "theirs");
  REQUIRE(other->commit(test_plan({store_pack(*other, {blob})})).committed);
  CHECK_FALSE(fixture.repository->index().find(blob.id));
  fixture.repository->refresh();
  CHECK(fixture.repository->read(crypto::BlobKind::kData, blob.id) == blob.content);
  CHECK(state_text(*fixture.repository) == state_text(*other));
}

// A writer may be killed, or meet with an error, between a record's name and its fsync.
TEST_CASE("what others commit is made durable before it counts, and before it is pinned") {
  RepositoryFixture fixture;
  const auto hooked = std::make_shared<HookedDestination>(fixture.destination);
  const auto reader = fixture.second.open(hooked, fixture.keyring);
  const auto pinned = [&] { return fixture.second.pins.load(reader->header().repository)->generation; };
  fixture.commit_snapshot(*fixture.repository);
  std::vector<std::string> made;
  hooked->before_make_durable = [&](const std::string& key) {
    made.push_back(key);
    throw Error(ErrorKind::kWriteFailed, "the disk failed");
  };
  CHECK(kind_of([&] { reader->refresh(); }) == ErrorKind::kWriteFailed);
  CHECK(made == std::vector{record_key(2)});
  CHECK(reader->state()->snapshots_size() == 0);
  CHECK(pinned() == 1);
  hooked->before_make_durable = [&](const std::string& key) { made.push_back(key); };
  reader->refresh();
  CHECK(reader->state()->snapshots_size() == 1);
  CHECK(pinned() == 2);
  // Nor is anything asked for that is known.
  reader->refresh();
  CHECK(made.size() == 2);
}

TEST_CASE("a cache that is missing, torn, foreign or old is made again") {
  RepositoryFixture fixture;
  const TestBlob blob = test_blob(*fixture.repository, "hello");
  REQUIRE(fixture.repository->commit(test_plan({store_pack(*fixture.repository, {blob})})).committed);
  const std::string expected = state_text(*fixture.repository);
  const std::string path = fixture.first.state_cache(fixture.repository->header().repository);
  fixture.repository.reset();
  const Bytes intact = read_file(path, 1u << 20);
  const auto reopened_well = [&] {
    const auto repository = fixture.open(fixture.first);
    const auto cached = read_state_cache(path, repository->header().repository);
    return state_text(*repository) == expected &&
           repository->read(crypto::BlobKind::kData, blob.id) == blob.content && cached &&
           cached->log.state.SerializeAsString() == expected;
  };
  const auto write_cache = [&](ByteView bytes) {
    std::ofstream(path, std::ios::binary)
        .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  };
  CHECK(reopened_well());
  fixture.first.lose_cache();
  CHECK(reopened_well());
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, intact.size() / 2, intact.size() - 1}) {
    CAPTURE(size);
    write_cache(ByteView(intact).first(size));
    CHECK(reopened_well());
  }
  for (std::size_t at = 0; at < intact.size(); at += intact.size() / 7) {
    CAPTURE(at);
    Bytes changed = intact;
    changed[at] ^= 1;
    write_cache(changed);
    CHECK(reopened_well());
  }
}

TEST_CASE("a cache of a version that knows other flags is not used") {
  RepositoryFixture fixture;
  fixture.commit_snapshot(*fixture.repository);
  const Uuid id = fixture.repository->header().repository;
  const std::string path = fixture.first.state_cache(id);
  fixture.repository.reset();
  REQUIRE(read_state_cache(path, id));
  Bytes other = read_file(path, 1u << 20);
  other[8 + 16 + 8] ^= 1;  // to write
  const crypto::Digest digest = crypto::hash(ByteView(other).first(other.size() - sizeof(crypto::Digest)));
  std::ranges::copy(digest, other.end() - static_cast<std::ptrdiff_t>(digest.size()));
  std::ofstream(path, std::ios::binary)
      .write(as_text(other).data(), static_cast<std::streamsize>(other.size()));
  CHECK_FALSE(read_state_cache(path, id));
  CHECK(fixture.open(fixture.first)->state()->snapshots_size() == 1);
}

TEST_CASE("a state object is used instead of the records before it") {
  RepositoryFixture fixture;
  while (fixture.repository->state()->generation() < 31) fixture.commit_snapshot(*fixture.repository);
  const TestBlob blob = test_blob(*fixture.repository, "hello");
  REQUIRE(fixture.repository->commit(test_plan({store_pack(*fixture.repository, {blob})})).committed);
  fixture.commit_snapshot(*fixture.repository);
  REQUIRE(fixture.destination->list("state/", "").size() == 1);
  const std::string key = fixture.destination->list("state/", "").front().key;
  CHECK(parse_state_key(key)->generation == 32);

  const auto hooked = std::make_shared<HookedDestination>(fixture.destination);
  const auto from_state = fixture.second.open(hooked, fixture.keyring);
  CHECK(state_text(*from_state) == state_text(*fixture.repository));
  CHECK(std::ranges::find(hooked->gets, key) != hooked->gets.end());
  CHECK(std::ranges::find(hooked->gets, record_key(31)) == hooked->gets.end());

  SECTION("without it all records are read") { fixture.destination->remove(key); }
  SECTION("damaged, it is passed over") { fixture.destination->object(key)[100] ^= 1; }
  SECTION("of a record that is not the log's, it is passed over") {
    const Bytes object = fixture.destination->object(key);
    fixture.destination->remove(key);
    fixture.destination->put(state_key(32, crypto::Digest{}), object);
  }
  Machine third;
  CHECK(state_text(*fixture.open(third)) == state_text(*fixture.repository));
}

TEST_CASE("a log that is missing asks for repair, whoever looks") {
  RepositoryFixture fixture;
  fixture.commit_snapshot(*fixture.repository);
  for (const auto& object : fixture.destination->list("log/", "")) fixture.destination->remove(object.key);
  for (Machine* machine : {&fixture.first, &fixture.second}) {
    try {
      fixture.open(*machine);
      FAIL("it opened");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDamaged);
      CHECK(std::string(error.what()).find("run garner repair") != std::string::npos);
    }
  }
  CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kDamaged);
}

TEST_CASE("a missing or damaged record of the chain is an error that names it") {
  RepositoryFixture fixture;
  for (int i = 0; i < 3; ++i) fixture.commit_snapshot(*fixture.repository);
  bool is_missing = false;
  SECTION("missing") {
    fixture.destination->remove(record_key(3));
    is_missing = true;
  }
  SECTION("bit flipped") { fixture.destination->object(record_key(3))[200] ^= 4; }
  SECTION("truncated") { fixture.destination->object(record_key(3)).resize(500); }
  SECTION("swapped with another") {
    std::swap(fixture.destination->object(record_key(3)), fixture.destination->object(record_key(4)));
  }
  try {
    fixture.open(fixture.second);
    FAIL("it opened");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kDamaged);
    CHECK(std::string(error.what()).find("record 3 of the log") != std::string::npos);
  }
  // The first machine's copy was made from the record as it was. That there is none any more shows in the
  // listing.
  if (is_missing) {
    CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kDamaged);
  } else {
    CHECK_NOTHROW(fixture.open(fixture.first));
  }
}

TEST_CASE("a repository that was rolled back is not gone on with") {
  RepositoryFixture fixture;
  fixture.commit_snapshot(*fixture.repository);
  const auto yesterday = fixture.copy_objects();
  fixture.commit_snapshot(*fixture.repository);
  fixture.restore_objects(yesterday);
  CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kForked);
  CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kForked);
  CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kForked);
  fixture.first.lose_cache();
  CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kForked);
  // Who never saw the newer record cannot know.
  CHECK_NOTHROW(fixture.open(fixture.second));
}

TEST_CASE("a fork is noticed with and without a cache, and before anything is written on it") {
  RepositoryFixture fixture;
  const auto yesterday = fixture.copy_objects();
  fixture.commit_snapshot(*fixture.repository);
  fixture.restore_objects(yesterday);
  const auto other = fixture.open(fixture.second);
  fixture.commit_snapshot(*other);

  SECTION("at the same generation: by a commit, and by whoever has no cache") {
    const auto before = fixture.copy_objects();
    CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kForked);
    CHECK(fixture.copy_objects() == before);
    fixture.first.lose_cache();
    CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kForked);
  }
  SECTION("grown beyond it: by every look") {
    fixture.commit_snapshot(*other);
    CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kForked);
    CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kForked);
    fixture.first.lose_cache();
    CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kForked);
  }
  SECTION("grown beyond it, with a newer state object") {
    while (other->state()->generation() < 34) fixture.commit_snapshot(*other);
    const TestBlob blob = test_blob(*other, "theirs");
    REQUIRE(other->commit(test_plan({store_pack(*other, {blob})})).committed);
    REQUIRE(fixture.destination->list("state/", "").size() == 1);
    fixture.first.lose_cache();
    CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kForked);
  }
}

TEST_CASE("another repository in the place of the one that was added is refused") {
  RepositoryFixture fixture;
  const Uuid expected = fixture.repository->header().repository;
  fixture.restore_objects({});
  fixture.second.create(fixture.destination, fixture.keyring);
  RepositoryContext context = fixture.first.context(fixture.destination, fixture.keyring);
  context.expected_repository = expected;
  CHECK(kind_of([&] { Repository::open(std::move(context)); }) == ErrorKind::kForked);
}

TEST_CASE("a header that was made anew for the same repository is refused") {
  RepositoryFixture fixture;
  const Uuid uuid = fixture.repository->header().repository;
  fixture.destination->remove(kHeaderKey);
  create_header(*fixture.destination, uuid, fixture.keyring, {99, 0});
  CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kForked);
  CHECK_NOTHROW(fixture.open(fixture.second));
}

TEST_CASE("a crash between a record and its pin is caught up with") {
  RepositoryFixture fixture;
  fixture.first.pins.fail_next();
  CHECK(kind_of([&] { fixture.repository->commit(test_plan({})); }) == ErrorKind::kWriteFailed);
  CHECK(fixture.first.pins.load(fixture.repository->header().repository)->generation == 1);
  fixture.repository.reset();
  const auto reopened = fixture.open(fixture.first);
  CHECK(reopened->state()->generation() == 2);
  CHECK(reopened->state()->snapshots_size() == 1);
  CHECK(fixture.first.pins.load(reopened->header().repository)->generation == 2);
}

TEST_CASE("a log that a machine rebuilt is its own, also when it was cut off before its pin was saved") {
  RepositoryFixture fixture;
  fixture.commit_snapshot(*fixture.repository);
  const Uuid id = fixture.repository->header().repository;
  fixture.open(fixture.second);
  fixture.repository.reset();
  for (const auto& object : fixture.destination->list("log/", "")) fixture.destination->remove(object.key);
  Machine& repairer = GENERATE(true, false) ? fixture.first : fixture.second;
  Machine& other = &repairer == &fixture.first ? fixture.second : fixture.first;
  {
    const auto repaired =
        Repository::open_without_log(repairer.context(fixture.destination, fixture.keyring));
    repairer.pins.fail_next();
    CHECK(kind_of([&] { repaired->rebuild_log({}, 2, small_parameters()); }) == ErrorKind::kWriteFailed);
  }
  CHECK(repairer.pins.load(id)->generation == 2);
  const auto reopened = fixture.open(repairer);
  CHECK(reopened->state()->generation() == first_generation(1));
  CHECK(repairer.pins.load(id)->generation == first_generation(1));
  // Nobody else can know whether it was meant.
  CHECK(fixture.error_of_open(other) == ErrorKind::kForked);
}

TEST_CASE("a record that breaks the rules is refused, and nothing is read past it") {
  RepositoryFixture fixture;
  const auto other = fixture.open(fixture.second);
  fixture.commit_snapshot(*other);
  fixture.repository->refresh();
  const std::string before = state_text(*fixture.repository);
  Record record = next_record(*other);
  const crypto::WriterKey* signer = &fixture.second.key;
  SECTION("a forged signature") {
    set_uuid(*record.body.mutable_writer(), fixture.first.key.uuid());
    record.body.add_remove_snapshots(other->state()->snapshots(0).id());
  }
  SECTION("a role that does not allow it") {
    record.body.add_remove_snapshots(other->state()->snapshots(0).id());
  }
  SECTION("a key of its own for a listed writer") {
    signer = &fixture.first.key;
    record.body.add_condemn(std::string(32, 'x'));
  }
  REQUIRE(put_record(*other, record, *signer));
  CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kDamaged);
  CHECK(state_text(*fixture.repository) == before);
  fixture.first.lose_cache();
  CHECK(fixture.error_of_open(fixture.first) == ErrorKind::kDamaged);
}

TEST_CASE("what a newer version must know to read keeps this one out; to write, from committing") {
  RepositoryFixture fixture;
  SECTION("read") {
    Record record = next_record(*fixture.repository);
    record.features.read = 2;
    REQUIRE(put_record(*fixture.repository, record, fixture.first.key));
    CHECK(kind_of([&] { fixture.repository->refresh(); }) == ErrorKind::kNewerFormat);
    CHECK(fixture.error_of_open(fixture.second) == ErrorKind::kNewerFormat);
  }
  SECTION("write") {
    forge_record(*fixture.repository, [](Record& record) { record.features.write = 2; });
    const auto other = fixture.open(fixture.second);
    CHECK(kind_of([&] { other->commit(test_plan({})); }) == ErrorKind::kNewerFormat);
    CHECK(fixture.destination->size(record_key(3)) == std::nullopt);
  }
  SECTION("prune") {
    forge_record(*fixture.repository, [](Record& record) { record.features.prune = 4; });
    const auto other = fixture.open(fixture.second);
    fixture.commit_snapshot(*other);
    CHECK(other->state()->must_know_to_prune() == 4);
  }
}

TEST_CASE("a blob with a damaged or missing pack is read from another, also from one not committed") {
  RepositoryFixture fixture;
  Repository& repository = *fixture.repository;
  const TestBlob blob = test_blob(repository, "twice");
  std::vector<FinishedPack> packs = {store_pack(repository, {blob}), store_pack(repository, {blob})};
  std::ranges::sort(packs, {}, &FinishedPack::name);
  REQUIRE(repository.commit(test_plan(packs)).committed);
  CHECK(repository.index().find_all(blob.id).size() == 2);
  const ObjectName first = repository.index().find(blob.id)->pack;
  const ObjectName other = packs[0].name == first ? packs[1].name : packs[0].name;
  Bytes& object = fixture.destination->object(pack_key(first));
  object[packs[0].frames[0].offset + 3] ^= 1;
  CHECK(repository.read(crypto::BlobKind::kData, blob.id) == blob.content);

  // Past the caches of the object that has read it.
  fixture.destination->remove(pack_key(other));
  const auto reader = fixture.open(fixture.second);
  CHECK(kind_of([&] { reader->read(crypto::BlobKind::kData, blob.id); }) == ErrorKind::kDamaged);
  reader->set_uncommitted({store_pack(*reader, {blob})});
  CHECK(reader->read(crypto::BlobKind::kData, blob.id) == blob.content);
  reader->set_uncommitted({});
  CHECK(kind_of([&] { reader->read(crypto::BlobKind::kData, blob.id); }) == ErrorKind::kDamaged);
}

TEST_CASE("a whole frame is read past the cache") {
  RepositoryFixture fixture;
  Repository& repository = *fixture.repository;
  const TestBlob a = test_blob(repository, "first ");
  const TestBlob b = test_blob(repository, "second");
  REQUIRE(repository.commit(test_plan({store_pack(repository, {a, b})})).committed);
  const BlobLocation location = *repository.index().find(b.id);
  CHECK(repository.read(crypto::BlobKind::kData, b.id) == b.content);
  Scratch memory;
  CHECK(as_text(repository.read_frame(location, memory)) == "first second");
  fixture.destination->remove(pack_key(location.pack));
  CHECK(kind_of([&] { repository.read_frame(location, memory); }) == ErrorKind::kDamaged);
}

TEST_CASE("a condemned pack is no place of a blob, but gives it for rescue while it is there") {
  RepositoryFixture fixture;
  Repository& repository = *fixture.repository;
  const TestBlob blob = test_blob(repository, "old");
  const FinishedPack pack = store_pack(repository, {blob});
  const CommitOutcome outcome = repository.commit(test_plan({pack}));
  CHECK(kind_of([&] { repository.read_condemned(crypto::BlobKind::kData, blob.id); }) ==
        ErrorKind::kNotFound);
  forge_condemn(repository, {*outcome.snapshot_id}, {pack.name});
  CHECK(kind_of([&] { repository.read(crypto::BlobKind::kData, blob.id); }) == ErrorKind::kNotFound);
  CHECK(repository.read_condemned(crypto::BlobKind::kData, blob.id) == blob.content);
  repository.destination().remove(pack_key(pack.name));
  forge_drop(repository, {pack.name});
  CHECK(kind_of([&] { repository.read_condemned(crypto::BlobKind::kData, blob.id); }) ==
        ErrorKind::kNotFound);
  CHECK(repository.state()->dead_size() == 1);  // its segment still names it
}

TEST_CASE("a dropped name stays dead only while a live segment names it") {
  RepositoryFixture fixture;
  Repository& repository = *fixture.repository;
  const TestBlob blob = test_blob(repository, "old");
  const FinishedPack orphan = store_pack(repository, {blob});
  const FinishedPack pack = store_pack(repository, {blob});
  const CommitOutcome outcome = repository.commit(test_plan({pack}));
  forge_removal(repository, {*outcome.snapshot_id}, {pack.name, orphan.name});
  REQUIRE(repository.state()->dead_size() == 1);
  CHECK(repository.state()->dead(0) == as_text(pack.name.view()));
  forge_record(repository, [&](Record& record) {
    record.body.add_remove_segments(repository.state()->segments(0).name());
  });
  CHECK(repository.state()->dead().empty());
  CHECK_FALSE(repository.index().find(blob.id));
}

TEST_CASE("writes use the newest epoch after set_keyring, and old packs stay readable") {
  RepositoryFixture fixture;
  Repository& repository = *fixture.repository;
  const TestBlob old = test_blob(repository, "before");
  REQUIRE(repository.commit(test_plan({store_pack(repository, {old})})).committed);
  crypto::Keyring rotated = fixture.keyring.copy();
  rotated.rotate({9, 0});
  repository.set_keyring(rotated.copy());
  const TestBlob young = test_blob(repository, "after");
  const FinishedPack pack = store_pack(repository, {young});
  REQUIRE(repository.commit(test_plan({pack})).committed);
  CHECK(repository.read(crypto::BlobKind::kData, old.id) == old.content);
  CHECK(repository.read(crypto::BlobKind::kData, young.id) == young.content);
  CHECK(parse_pack_header(fixture.destination->object(pack_key(pack.name))).epoch == 2);
  // Who has the old keyring only is told so.
  CHECK(fixture.error_of_open(fixture.second) == ErrorKind::kWrongKey);
  CHECK(fixture.second.open(fixture.destination, rotated)->state()->snapshots_size() == 2);
}
