// A log that does not continue what was seen, taken because somebody says so.
#include "support/hooked_destination.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

struct AcceptLogFixture {
  CryptoReady ready;
  std::shared_ptr<MemoryDestination> destination = std::make_shared<MemoryDestination>();
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine machine;
  Machine other;
  std::unique_ptr<Repository> repository = machine.create(destination, keyring);
  TestBlob kept = store("kept");
  std::vector<std::pair<std::string, Bytes>> yesterday = copy_objects();
  TestBlob lost = store("lost");

  TestBlob store(std::string_view text) {
    const TestBlob blob = test_blob(*repository, text);
    REQUIRE(repository->commit(test_plan({store_pack(*repository, {blob})})).committed);
    return blob;
  }
  std::vector<std::pair<std::string, Bytes>> copy_objects() {
    std::vector<std::pair<std::string, Bytes>> objects;
    for (const auto& object : destination->list("", ""))
      objects.emplace_back(object.key, destination->object(object.key));
    return objects;
  }
  void roll_back() {
    for (const auto& object : destination->list("", "")) destination->remove(object.key);
    for (const auto& [key, bytes] : yesterday) destination->put(key, bytes);
  }
  void commit_elsewhere(int records) {
    const auto elsewhere = other.open(destination, keyring);
    for (int i = 0; i < records; ++i) REQUIRE(elsewhere->commit(test_plan({})).committed);
  }
  std::string refusal() {
    repository.reset();
    try {
      machine.open(destination, keyring);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kForked);
      return error.what();
    }
    FAIL("it opened");
    return {};
  }
  std::unique_ptr<Repository> accept(std::uint64_t generation) {
    return Repository::accept_log(machine.context(destination, keyring), generation);
  }
};

bool names(const std::string& refusal, std::uint64_t generation) {
  return refusal.ends_with("garner destination edit NAME --accept-log " + std::to_string(generation));
}

}  // namespace

TEST_CASE("a log that was rolled back or forked is refused, and the refusal names what would accept it") {
  AcceptLogFixture fixture;
  std::uint64_t newest = 2;
  SECTION("rolled back") { fixture.roll_back(); }
  SECTION("forked at the same generation") {
    fixture.roll_back();
    fixture.commit_elsewhere(1);
    newest = 3;
    // Only a commit looks at the record itself, or whoever has no cache.
    fixture.machine.lose_cache();
  }
  SECTION("forked beyond it") {
    fixture.roll_back();
    fixture.commit_elsewhere(4);
    newest = 6;
  }
  SECTION("forked beyond it, without a cache") {
    fixture.roll_back();
    fixture.commit_elsewhere(4);
    newest = 6;
    fixture.machine.lose_cache();
  }
  SECTION("rebuilt elsewhere") {
    const auto rebuilt =
        Repository::open_without_log(fixture.other.context(fixture.destination, fixture.keyring));
    REQUIRE(rebuilt->rebuild_log({}, 3, small_parameters()).committed);
    newest = first_generation(1);
  }
  CHECK(names(fixture.refusal(), newest));
  const auto before = fixture.copy_objects();
  for (const std::uint64_t wrong : {std::uint64_t{0}, newest - 1, newest + 1})
    CHECK(kind_of([&] { fixture.accept(wrong); }) == ErrorKind::kConflict);
  CHECK(names(fixture.refusal(), newest));
  CHECK(fixture.accept(newest)->state()->generation() == newest);
  CHECK(fixture.copy_objects() == before);
  // From now on it is what this machine has seen, and goes on from there.
  fixture.repository = fixture.machine.open(fixture.destination, fixture.keyring);
  CHECK(fixture.repository->commit(test_plan({})).generation == newest + 1);
  CHECK(fixture.machine.open(fixture.destination, fixture.keyring)->state()->generation() == newest + 1);
}

TEST_CASE("what is not there any more is not believed to be") {
  AcceptLogFixture fixture;
  fixture.roll_back();
  fixture.repository.reset();
  fixture.repository = fixture.accept(2);
  CHECK(fixture.repository->read(crypto::BlobKind::kData, fixture.kept.id) == fixture.kept.content);
  CHECK_FALSE(fixture.repository->index().find(fixture.lost.id));
  CHECK(fixture.repository->state()->snapshots_size() == 1);
}

TEST_CASE("an index segment that is missing there is not supplied from here") {
  AcceptLogFixture fixture;
  std::vector<TestBlob> many;
  for (int i = 0; i < 200; ++i) many.push_back(test_blob(*fixture.repository, std::to_string(i)));
  REQUIRE(fixture.repository->commit(test_plan({store_pack(*fixture.repository, many)})).committed);
  fixture.yesterday = fixture.copy_objects();
  fixture.store("more");
  fixture.roll_back();
  fixture.repository.reset();
  fixture.destination->remove(fixture.destination->list("index/", "").front().key);
  CHECK(kind_of([&] { fixture.accept(4); }) == ErrorKind::kDamaged);
  // Refused as before: nothing was accepted.
  CHECK(names(fixture.refusal(), 4));
}

TEST_CASE("a log that cannot be read is not accepted, and a crash accepts nothing or all") {
  AcceptLogFixture fixture;
  fixture.roll_back();
  fixture.repository.reset();
  SECTION("a record is missing") {
    fixture.destination->remove(record_key(1));
    CHECK(kind_of([&] { fixture.accept(2); }) == ErrorKind::kDamaged);
    return;
  }
  SECTION("another repository is there") {
    const Bytes header = make_header(Uuid::random(), fixture.keyring, {5, 0});
    fixture.destination->object(kHeaderKey) = header;
    RepositoryContext context = fixture.machine.context(fixture.destination, fixture.keyring);
    context.expected_repository = Uuid::random();
    CHECK(kind_of([&] { Repository::accept_log(std::move(context), 2); }) == ErrorKind::kForked);
    return;
  }
  SECTION("cut off before the pin") {
    fixture.machine.pins.fail_next();
    CHECK(kind_of([&] { fixture.accept(2); }) == ErrorKind::kWriteFailed);
    CHECK(names(fixture.refusal(), 2));
    CHECK_NOTHROW(fixture.accept(2));
  }
  SECTION("cut off after the pin") {
    fixture.machine.pins.fail_after_next();
    CHECK(kind_of([&] { fixture.accept(2); }) == ErrorKind::kWriteFailed);
    // It is accepted, and no state of before stands beside it.
    CHECK(kind_of([&] { fixture.accept(2); }) == ErrorKind::kConflict);
  }
  CHECK_NOTHROW(fixture.machine.open(fixture.destination, fixture.keyring));
}

TEST_CASE("a log that is not refused is not accepted: there is nothing to accept") {
  AcceptLogFixture fixture;
  CHECK_FALSE(fixture.repository->is_refused());
  fixture.repository.reset();
  CHECK(kind_of([&] { fixture.accept(3); }) == ErrorKind::kConflict);
  fixture.roll_back();
  fixture.commit_elsewhere(1);
  // What it has of the log looks the same: only the record itself tells.
  fixture.repository = fixture.machine.open(fixture.destination, fixture.keyring);
  CHECK(fixture.repository->is_refused());
  fixture.repository.reset();
  CHECK(fixture.accept(3)->state()->generation() == 3);
}

TEST_CASE("a log that lists a pack which is not there, or not whole, is not accepted") {
  AcceptLogFixture fixture;
  // The copy has the log of a moment before its packs, and a prune ran in between.
  fixture.roll_back();
  const std::string pack = fixture.destination->list("packs/", "").front().key;
  SECTION("not there") { fixture.destination->remove(pack); }
  SECTION("cut off") { fixture.destination->object(pack).pop_back(); }
  CHECK(names(fixture.refusal(), 2));
  try {
    fixture.accept(2);
    FAIL("it was accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kDamaged);
    CHECK(std::string(error.what()).find("garner repair") != std::string::npos);
  }
  CHECK(names(fixture.refusal(), 2));
}

TEST_CASE("a log that does not hold together by itself is not accepted, and the way out is told") {
  AcceptLogFixture fixture;
  const Bytes seen = fixture.destination->object(record_key(3));
  const auto all = fixture.copy_objects();
  fixture.roll_back();
  fixture.commit_elsewhere(1);
  const Bytes other = fixture.destination->object(record_key(3));
  REQUIRE(other != seen);
  // Somebody has committed on the one, and the other stands there in the end.
  for (const auto& object : fixture.destination->list("", "")) fixture.destination->remove(object.key);
  for (const auto& [key, bytes] : all) fixture.destination->put(key, bytes);
  REQUIRE(fixture.repository->commit(test_plan({})).generation == 4);
  fixture.destination->object(record_key(3)) = other;
  fixture.repository.reset();
  fixture.machine.lose_cache();
  for (const auto& attempt : std::vector<std::function<void()>>{
           [&] { fixture.machine.open(fixture.destination, fixture.keyring); }, [&] { fixture.accept(4); }}) {
    try {
      attempt();
      FAIL("it was taken");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kForked);
      CHECK(std::string(error.what()).ends_with("Run garner repair"));
    }
  }
}
