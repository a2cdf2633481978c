// Where the index is read from: what is asked of which destination, and that nothing is lost by it.
#include "store/segment_shelf.h"

#include <future>
#include <set>

#include "base/stop_scope.h"
#include "destination/local.h"
#include "support/counting_destination.h"
#include "support/eventually.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/set_clock.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

// A place that a test may take away.
class AwayDestination final : public destination::Destination {
 public:
  explicit AwayDestination(std::shared_ptr<destination::Destination> inner) : inner_(std::move(inner)) {}
  bool is_away = false;
  bool is_full = false;
  int asked = 0;
  bool was_asked_as_by_a_run = false;  // so that a server would be waited for for minutes
  std::function<void()> before_put;

  std::string describe() const override { return inner_->describe(); }
  void put(const std::string& key, ByteView data) override {
    if (before_put) before_put();
    destination::Destination& place = there();
    if (is_full) throw Error(ErrorKind::kDestinationFull, "no space left");
    place.put(key, data);
  }
  bool put_exclusive(const std::string& key, ByteView data) override {
    return there().put_exclusive(key, data);
  }
  void put_file(const std::string& key, const std::string& path) override { there().put_file(key, path); }
  std::optional<std::string> staging_folder() override { return there().staging_folder(); }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    return there().get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override { return there().get_all(key, limit); }
  std::optional<std::uint64_t> size(const std::string& key) override { return there().size(key); }
  std::vector<destination::ObjectInfo> list(const std::string& prefix, const std::string& after) override {
    return there().list(prefix, after);
  }
  void remove(const std::string& key) override { there().remove(key); }
  std::optional<destination::Space> space() override { return there().space(); }

 private:
  destination::Destination& there() {
    ++asked;
    was_asked_as_by_a_run = was_asked_as_by_a_run || StopScope::current().stop_possible();
    if (is_away) throw Error(ErrorKind::kDestinationAway, "the disk is not there");
    return *inner_;
  }
  std::shared_ptr<destination::Destination> inner_;
};

// A repository in a bucket, and another one on a disk, which both of two machines have.
struct SegmentShelfFixture {
  CryptoReady ready;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  std::shared_ptr<MemoryDestination> bucket = std::make_shared<MemoryDestination>();
  std::shared_ptr<CountingDestination> cloud = std::make_shared<CountingDestination>(bucket);
  std::shared_ptr<MemoryDestination> platter = std::make_shared<MemoryDestination>();
  std::shared_ptr<AwayDestination> disk = std::make_shared<AwayDestination>(platter);
  SetClock clock;
  Machine first;
  Machine second;
  Uuid disk_uuid = first.create(platter, keyring)->header().repository;
  std::unique_ptr<Repository> owner;
  std::unique_ptr<Repository> other;
  bool second_has_the_disk = true;

  SegmentShelfFixture() {
    owner = Repository::create(context(first), {}, small_parameters());
    open_other();
  }
  RepositoryContext context(Machine& machine) {
    RepositoryContext context = machine.context(cloud, keyring);
    context.clock = &clock;
    context.shelf = [this, &machine](const Uuid& repository) -> std::shared_ptr<destination::Destination> {
      if (repository != disk_uuid || (&machine == &second && !second_has_the_disk)) return nullptr;
      return disk;
    };
    return context;
  }
  void open_owner() {
    owner.reset();
    owner = Repository::open(context(first));
  }
  void open_other() {
    other.reset();
    other = Repository::open(context(second));
    cloud->taken();
  }
  void read_index_from(const IndexSource& source) {
    CommitPlan plan;
    plan.index_from = source;
    REQUIRE(owner->commit(plan).committed);
    other->refresh();
    cloud->taken();
  }
  void to_disk() { read_index_from({IndexSource::Kind::kShelf, disk_uuid}); }
  // A segment that is too large to stand in a record.
  TestBlob store(Repository& by) {
    std::vector<TestBlob> many;
    for (int i = 0; i < 200; ++i) many.push_back(test_blob(by, Uuid::random().text()));
    REQUIRE(by.commit(test_plan({store_pack(by, many)})).committed);
    return many.front();
  }
  std::string prefix() const { return "indexes/" + owner->header().repository.text() + "/"; }
  std::size_t shelved() const { return platter->list(prefix(), "").size(); }
  std::size_t waiting(const Machine& machine) const {
    return list_names(machine.folder.path("cache/" + owner->header().repository.text() + "/shelf")).size();
  }
  // Whether the bucket's index was read, by what was asked of it.
  bool read_in_the_bucket() { return cloud->taken().find("get index") != std::string::npos; }
};

}  // namespace

TEST_CASE("where the index is read from is a word, or a repository's uuid") {
  const Uuid uuid = Uuid::random();
  for (const IndexSource& source : {IndexSource{}, IndexSource{IndexSource::Kind::kSelf, {}},
                                    IndexSource{IndexSource::Kind::kShelf, uuid}})
    CHECK(parse_index_source(index_source_text(source)) == source);
  CHECK(index_source_text({}).empty());
  for (const char* text : {"local", "Self", "mirror", "00000000-0000-0000-0000-000000000000", "x"})
    CHECK(parse_index_source(text) == IndexSource{});
}

TEST_CASE("a remover says where the index is read from, for every machine") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  CHECK(fixture.other->state()->index_from() == fixture.disk_uuid.text());
  // Records of others leave it as it is.
  REQUIRE(fixture.other->commit(test_plan({})).committed);
  fixture.owner->refresh();
  CHECK(fixture.owner->state()->index_from() == fixture.disk_uuid.text());
  CommitPlan plan;
  plan.index_from = IndexSource{};
  CHECK(kind_of([&] { fixture.other->commit(plan); }) == ErrorKind::kPermissionDenied);
  // And nobody accepts it of them.
  forge_record_by_other(*fixture.owner, [](Record& record) { record.body.set_index_from("self"); });
  CHECK(kind_of([&] { fixture.owner->refresh(); }) == ErrorKind::kDamaged);
}

TEST_CASE("the same again is no record") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  CommitPlan plan;
  plan.index_from = IndexSource{IndexSource::Kind::kShelf, fixture.disk_uuid};
  const std::uint64_t before = fixture.owner->state()->generation();
  CHECK(fixture.owner->commit(plan).generation == before);
}

TEST_CASE("segments go to the destination and to the other one, and are read there") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  const TestBlob blob = fixture.store(*fixture.owner);
  CHECK(fixture.bucket->list("index/", "").size() == 1);
  REQUIRE(fixture.shelved() == 1);
  CHECK(fixture.platter->object(fixture.platter->list(fixture.prefix(), "").front().key) ==
        fixture.bucket->object(fixture.bucket->list("index/", "").front().key));
  fixture.cloud->taken();
  // A foreign commit: the listing, and its record.
  fixture.other->refresh();
  CHECK(fixture.cloud->taken() == "get log 1, list log 1");
  CHECK(fixture.other->read(crypto::BlobKind::kData, blob.id) == blob.content);
  // A cache that was lost.
  fixture.second.lose_cache();
  fixture.other.reset();
  fixture.other = Repository::open(fixture.context(fixture.second));
  CHECK_FALSE(fixture.read_in_the_bucket());
  // A small one stands in its record, and nowhere else.
  REQUIRE(fixture.owner->commit(test_plan({store_pack(*fixture.owner, {test_blob(*fixture.owner, "small")})}))
              .committed);
  CHECK(fixture.shelved() == 1);
}

TEST_CASE("what the other destination lacks is read at the repository's own, once") {
  SegmentShelfFixture fixture;
  const TestBlob before = fixture.store(*fixture.owner);
  fixture.other->refresh();
  fixture.to_disk();
  CHECK(fixture.shelved() == 0);
  SECTION("by whoever misses it") {
    fixture.second.lose_cache();
    fixture.other.reset();
    fixture.other = Repository::open(fixture.context(fixture.second));
    CHECK(fixture.read_in_the_bucket());
  }
  SECTION("by whoever is asked to") { CHECK(fixture.owner->tidy_shelf()); }
  CHECK(fixture.shelved() == 1);
  fixture.cloud->taken();
  fixture.second.lose_cache();
  fixture.other.reset();
  fixture.other = Repository::open(fixture.context(fixture.second));
  CHECK_FALSE(fixture.read_in_the_bucket());
  CHECK(fixture.other->read(crypto::BlobKind::kData, before.id) == before.content);
}

TEST_CASE("what is damaged at the other destination is read at the repository's own, and put right") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  const TestBlob blob = fixture.store(*fixture.owner);
  const std::string key = fixture.platter->list(fixture.prefix(), "").front().key;
  const Bytes intact = fixture.platter->object(key);
  SECTION("a flipped bit") { fixture.platter->object(key)[intact.size() / 2] ^= 1; }
  SECTION("cut") { fixture.platter->object(key).resize(100); }
  SECTION("empty") { fixture.platter->object(key).clear(); }
  fixture.other->refresh();
  CHECK(fixture.read_in_the_bucket());
  CHECK(fixture.other->read(crypto::BlobKind::kData, blob.id) == blob.content);
  CHECK(fixture.platter->object(key) == intact);
}

TEST_CASE("while the other destination is away commits go on, and it gets what it lacks when it is back") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  fixture.disk->is_away = true;
  const TestBlob blob = fixture.store(*fixture.owner);
  CHECK(fixture.shelved() == 0);
  CHECK(fixture.waiting(fixture.first) == 1);
  CHECK_FALSE(fixture.owner->tidy_shelf());
  fixture.clock.pass(kShelfIsAwayFor);
  fixture.cloud->taken();
  fixture.other->refresh();
  CHECK(fixture.read_in_the_bucket());
  CHECK(fixture.other->read(crypto::BlobKind::kData, blob.id) == blob.content);
  fixture.disk->is_away = false;
  fixture.clock.pass(kShelfIsAwayFor);
  SECTION("with the next commit") { REQUIRE(fixture.owner->commit(test_plan({})).committed); }
  SECTION("with the next look") { fixture.owner->refresh(); }
  SECTION("by who is asked to, at once") {
    fixture.clock.pass(-2 * kShelfIsAwayFor);
    CHECK(fixture.owner->tidy_shelf());
    fixture.owner->refresh();
  }
  SECTION("by the next process") { fixture.open_owner(); }
  SECTION("though what waited was lost with the cache") {
    fixture.owner.reset();
    fixture.first.lose_cache();
    fixture.second.lose_cache();
    fixture.open_owner();
  }
  CHECK(fixture.shelved() == 1);
  CHECK(fixture.waiting(fixture.first) == 0);
}

TEST_CASE("nothing is written where the other destination's disk is not mounted, or is another one") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  SECTION("empty") {
    for (const auto& object : fixture.platter->list("", "")) fixture.platter->remove(object.key);
  }
  SECTION("another repository") {
    for (const auto& object : fixture.platter->list("", "")) fixture.platter->remove(object.key);
    Machine third;
    third.create(fixture.platter, fixture.keyring);
  }
  const auto before = fixture.platter->list("", "").size();
  const TestBlob blob = fixture.store(*fixture.owner);
  CHECK(fixture.platter->list("", "").size() == before);
  CHECK(fixture.waiting(fixture.first) == 1);
  fixture.other->refresh();
  CHECK(fixture.other->read(crypto::BlobKind::kData, blob.id) == blob.content);
}

TEST_CASE("a machine that has not the other destination reads and writes without it") {
  SegmentShelfFixture fixture;
  fixture.second_has_the_disk = false;
  fixture.to_disk();
  const TestBlob blob = fixture.store(*fixture.owner);
  fixture.cloud->taken();
  fixture.other->refresh();
  CHECK(fixture.read_in_the_bucket());
  const TestBlob theirs = fixture.store(*fixture.other);
  CHECK(fixture.shelved() == 1);
  CHECK_FALSE(fixture.other->tidy_shelf());
  CHECK(fixture.waiting(fixture.second) == 0);
  fixture.owner->refresh();
  CHECK(fixture.owner->read(crypto::BlobKind::kData, theirs.id) == theirs.content);
  CHECK(fixture.shelved() == 2);  // whoever missed it there has put it
  CHECK(fixture.other->read(crypto::BlobKind::kData, blob.id) == blob.content);
}

TEST_CASE("read from itself, nothing is trusted that an earlier process has left") {
  SegmentShelfFixture fixture;
  fixture.store(*fixture.owner);
  fixture.read_index_from({IndexSource::Kind::kSelf, {}});
  fixture.open_other();
  fixture.other.reset();
  fixture.other = Repository::open(fixture.context(fixture.second));
  CHECK(fixture.read_in_the_bucket());
  fixture.other->refresh();
  CHECK_FALSE(fixture.read_in_the_bucket());
  // And back: what there is here is used again.
  fixture.read_index_from({});
  fixture.other.reset();
  fixture.other = Repository::open(fixture.context(fixture.second));
  CHECK_FALSE(fixture.read_in_the_bucket());
}

TEST_CASE("a crash between two writes leaves nothing that is listed and not there") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  std::vector<TestBlob> many;
  for (int i = 0; i < 200; ++i) many.push_back(test_blob(*fixture.owner, "blob " + std::to_string(i)));
  const FinishedPack pack = store_pack(*fixture.owner, many);
  // Before the record: the segment is at the destination, and nobody lists it.
  const auto hooked = std::make_shared<HookedDestination>(fixture.bucket);
  {
    RepositoryContext context = fixture.context(fixture.first);
    context.destination = hooked;
    fixture.owner.reset();
    const auto cut = Repository::open(std::move(context));
    hooked->before_put_exclusive = [](const std::string&) {
      throw Error(ErrorKind::kDestinationAway, "the machine lost its power");
    };
    CHECK(kind_of([&] { cut->commit(test_plan({pack})); }) == ErrorKind::kDestinationAway);
  }
  fixture.open_owner();
  CHECK(fixture.shelved() == 0);
  REQUIRE(fixture.owner->commit(test_plan({pack})).committed);
  CHECK(fixture.owner->read(crypto::BlobKind::kData, many[7].id) == many[7].content);
  CHECK(fixture.shelved() == 1);
}

TEST_CASE("what nobody lists goes from the other destination when it is old") {
  // Times are those of files.
  const CryptoReady ready;
  const TemporaryFolder root;
  const auto local = std::make_shared<destination::LocalDestination>(root.path("disk"));
  local->create_folder();
  const crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine machine;
  const Uuid disk = machine.create(local, keyring)->header().repository;
  const Uuid owner = Uuid::random();
  SegmentShelf shelf([&](const Uuid&) { return local; }, owner, root.path("waiting"), system_clock());
  Random random(3);
  const std::vector<ObjectName> names{random_name(random), random_name(random), random_name(random)};
  const Bytes object(100, 7);
  CHECK_FALSE(shelf.put(names[0], object));  // it stands nowhere
  shelf.keep(names[0], object);
  shelf.send();
  CHECK(local->list("indexes/").empty());
  shelf.stand_at(disk);
  for (const ObjectName& name : names) CHECK(shelf.put(name, object));
  local->put("indexes/" + owner.text() + "/readme", object);
  local->put("indexes/" + Uuid::random().text() + "/" + names[0].hex(), object);
  const auto is_listed = [&](const ObjectName& name) { return name == names[1]; };
  const TimePoint now = system_clock().now();
  CHECK(shelf.tidy(is_listed, now) == std::set<ObjectName>{names[1]});
  CHECK(local->list("indexes/").size() == 5);
  CHECK(shelf.tidy(is_listed, {now.seconds + 25 * 3600, 0}) == std::set<ObjectName>{names[1]});
  CHECK(local->list("indexes/").size() == 3);
  CHECK(shelf.get(names[1]) == object);
  CHECK_FALSE(shelf.get(names[0]));
}

TEST_CASE("a place that is away is asked once in some minutes, and never as a run asks") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  const std::stop_source run;
  const StopScope scope(run.get_token());
  fixture.store(*fixture.owner);
  fixture.disk->is_away = true;
  fixture.disk->asked = 0;
  for (int i = 0; i < 3; ++i) {
    fixture.store(*fixture.owner);
    fixture.owner->refresh();
  }
  CHECK(fixture.disk->asked == 1);
  CHECK(fixture.waiting(fixture.first) == 3);
  fixture.disk->asked = 0;
  fixture.other->refresh();
  CHECK(fixture.disk->asked == 1);
  fixture.clock.pass(kShelfIsAwayFor);
  fixture.owner->refresh();
  CHECK(fixture.disk->asked == 2);
  CHECK_FALSE(fixture.disk->was_asked_as_by_a_run);
}

TEST_CASE("while the place is written to, others look at the log and commit") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  int written = 0;
  int done = 0;
  fixture.disk->before_put = [&] {
    if (++written > 2) return;
    auto other = std::async(std::launch::async, [&] {
      fixture.owner->refresh();
      return fixture.owner->commit(test_plan({})).committed;
    });
    if (other.wait_for(garner::testing::kPatience) == std::future_status::ready && other.get()) ++done;
  };
  fixture.store(*fixture.owner);
  CHECK(written == 1);
  CHECK(done == 1);
  CHECK(fixture.shelved() == 1);
  // Also while a copy of all of it is made.
  fixture.platter->remove(fixture.platter->list(fixture.prefix(), "").front().key);
  CHECK(fixture.owner->tidy_shelf());
  CHECK(written == 2);
  CHECK(done == 2);
  CHECK(fixture.shelved() == 1);
}

TEST_CASE("a place that is full is read from all the same") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  fixture.store(*fixture.owner);
  fixture.disk->is_full = true;
  fixture.store(*fixture.owner);
  CHECK(fixture.waiting(fixture.first) == 1);
  CHECK_FALSE(fixture.owner->tidy_shelf());
  fixture.cloud->taken();
  fixture.other->refresh();
  CHECK(fixture.cloud->taken().find("get index 1,") != std::string::npos);
}

TEST_CASE("a log that is made anew reads the index from where it was read") {
  SegmentShelfFixture fixture;
  fixture.to_disk();
  const std::uint64_t seen = fixture.owner->state()->generation();
  fixture.owner.reset();
  bool is_known = true;
  SECTION("as this machine knows it") {}
  SECTION("which a machine without its copy does not know") {
    fixture.first.lose_cache();
    is_known = false;
  }
  const auto rebuilt = Repository::open_without_log(fixture.context(fixture.first));
  REQUIRE(rebuilt->rebuild_log({}, seen, small_parameters()).committed);
  CHECK(rebuilt->state()->index_from() == (is_known ? fixture.disk_uuid.text() : ""));
}

TEST_CASE("a look tells what others have added") {
  SegmentShelfFixture fixture;
  CHECK_FALSE(fixture.other->growth());
  fixture.store(*fixture.owner);
  REQUIRE(fixture.owner->commit(test_plan({})).committed);
  REQUIRE(fixture.other->commit(test_plan({})).committed);
  const auto growth = fixture.other->growth();
  REQUIRE(growth);
  CHECK(growth->records == 2);
  CHECK(growth->snapshots == 2);
  CHECK(growth->segments == 1);
  CHECK(growth->hosts == std::vector<std::string>{"host-" + fixture.first.key.uuid().text().substr(0, 4)});
  // Its own commits are none, and a look that shows nothing leaves it.
  REQUIRE(fixture.other->commit(test_plan({})).committed);
  fixture.other->refresh();
  CHECK(fixture.other->growth()->records == 2);
  // Also one that opens.
  fixture.owner->refresh();
  REQUIRE(fixture.owner->commit(test_plan({})).committed);
  fixture.open_other();
  REQUIRE(fixture.other->growth());
  CHECK(fixture.other->growth()->records == 1);
}
