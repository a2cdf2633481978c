// Repair brings a repository back from its packs alone, and lists nothing that is not complete.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.h"
#include "maintenance/forget.h"
#include "maintenance/repair.h"
#include "maintenance/tagging.h"
#include "store/log.h"
#include "support/difference_node.h"
#include "support/error_kind.h"
#include "support/forge_removal.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

// Slots are lost with all else but the packs: nobody could open the repository without this machine.
const std::vector<std::string> kNoSlotLeft{"key slots: no key slot is left: add one with garner key add"};

struct RepairFixture {
  TemporaryFolder source;
  SmallRepository repository;
  store::v1::Snapshot first;
  store::v1::Snapshot second;
  RepairFixture() {
    std::filesystem::create_directories(source.path("folder"));
    for (int number = 0; number < 30; ++number) {
      write_file(source.path("folder/file" + std::to_string(number)),
                 noise(9000, static_cast<std::uint64_t>(number)));
    }
    first = repository.back_up({source.path()});
    write_file(source.path("folder/new"), noise(200'000, 100));
    second = repository.back_up({source.path()});
  }

  void remove_all(const std::string& prefix) {
    for (const destination::ObjectInfo& object : repository.destination().list(prefix)) {
      repository.destination().remove(object.key);
    }
  }
  void lose_everything_but_packs() {
    for (const std::string prefix : {"log/", "index/", "state/", "keys/"}) remove_all(prefix);
    repository.reopen_without_log();
  }
  maintenance::RepairResult repair(bool dry_run = false) {
    return maintenance::run_repair(repository.repository(), dry_run, monitor, {});
  }
  std::vector<std::string> problems_of_check() {
    RecordingCheckMonitor checks;
    maintenance::CheckOptions options;
    options.read_data_percent = 100;
    maintenance::run_check(repository.repository(), options, checks, {});
    return checks.problems;
  }
  bool lists(const store::v1::Snapshot& snapshot) {
    const auto& entries = repository.repository().state()->snapshots();
    return std::any_of(entries.begin(), entries.end(), [&](const store::v1::SnapshotEntry& entry) {
      return entry.recovered() && entry.snapshot().SerializeAsString() == snapshot.SerializeAsString();
    });
  }

  RecordingCheckMonitor monitor;
};

}  // namespace

TEST_CASE("a machine that lacks the newest keys, or may not read, makes no log of what it can read") {
  RepairFixture fixture;
  SmallRepository& small = fixture.repository;
  const crypto::Keyring old = small.keyring().copy();
  small.rotate_keys();
  write_file(fixture.source.path("folder/newest"), noise(9000, 200));
  small.back_up({fixture.source.path()});
  const std::uint64_t newest = small.repository().state()->generation();
  const std::string pack = small.destination().list("packs/").back().key;
  const bool log_is_lost = GENERATE(false, true);
  if (log_is_lost) fixture.remove_all("log/");
  const auto place =
      std::make_shared<FailingReads>(std::make_shared<destination::LocalDestination>(small.path()));
  Machine machine;
  const auto repair = [&](const crypto::Keyring& keyring) {
    const auto other = store::Repository::open_without_log(machine.context(place, keyring));
    return kind_of([&] { maintenance::run_repair(*other, false, fixture.monitor, {}); });
  };
  SECTION("keys") {
    CHECK(repair(old) == ErrorKind::kWrongKey);
    fixture.remove_all("keys/");
    CHECK(repair(old) == ErrorKind::kWrongKey);
  }
  SECTION("a file") {
    place->fail(log_is_lost ? pack : store::record_key(2), EACCES, 0, 1u << 30);
    CHECK(repair(small.keyring()) == ErrorKind::kReadFailed);
  }
  CHECK(place->list("log/", "").size() == (log_is_lost ? 0 : newest));
}

TEST_CASE("an epoch that nobody has rotated to is damage, and keeps no repository from being repaired") {
  RepairFixture fixture;
  SmallRepository& small = fixture.repository;
  // Anybody can write these: they have the form of a record, and of a pack, and the pack's name proves its
  // bytes.
  const std::uint64_t generation = small.repository().state()->generation();
  Bytes record = small.destination().get_all(store::record_key(generation), 1u << 20);
  record[12] = 99;
  record[100] ^= 1;
  small.destination().put(store::record_key(generation + 1), record);
  const std::string first = small.destination().list("packs/").front().key;
  Bytes pack = small.destination().get_all(first, 1u << 30);
  pack[12] = 99;
  small.destination().put(store::pack_key(store::make_name(pack)), pack);
  small.reopen_without_log();
  CHECK(fixture.repair().needed);
  CHECK(fixture.lists(fixture.first));
  CHECK(fixture.lists(fixture.second));
}

TEST_CASE("pins that a record tells of are kept") {
  RepairFixture fixture;
  const auto id = [&](int number) {
    return crypto::BlobId::from_bytes(
        as_bytes(fixture.repository.repository().state()->snapshots(number).id()));
  };
  const auto first = id(0);
  const auto second = id(1);
  maintenance::set_pinned(fixture.repository.repository(), first, true);
  maintenance::set_pinned(fixture.repository.repository(), second, true);
  maintenance::set_pinned(fixture.repository.repository(), second, false);
  fixture.repository.destination().remove(store::record_key(1));
  fixture.remove_all("state/");
  fixture.repository.reopen_without_log();
  CHECK(fixture.repair().recovered.size() == 2);
  const auto state = fixture.repository.repository().state();
  CHECK(store::find_snapshot(*state, first.view())->pinned());
  CHECK_FALSE(store::find_snapshot(*state, second.view())->pinned());
}

TEST_CASE("tags that a record tells of are kept") {
  RepairFixture fixture;
  auto& repository = fixture.repository.repository();
  const auto id = [&](int number) {
    return crypto::BlobId::from_bytes(as_bytes(repository.state()->snapshots(number).id()));
  };
  const auto first = id(0);
  const auto second = id(1);
  maintenance::edit_tags(repository, {first, second}, {std::nullopt, {"a", "b"}, {}});
  maintenance::edit_tags(repository, {first}, {std::nullopt, {}, {"b"}});
  maintenance::edit_tags(repository, {second}, {store::Tags(), {}, {}});
  fixture.repository.destination().remove(store::record_key(1));
  fixture.remove_all("state/");
  fixture.repository.reopen_without_log();
  CHECK(fixture.repair().recovered.size() == 2);
  fixture.repository.reopen();
  const auto state = fixture.repository.repository().state();
  CHECK(state->must_know_to_write() == store::kTagsFeature);
  REQUIRE(store::find_snapshot(*state, first.view())->tags_size() == 1);
  CHECK(store::find_snapshot(*state, first.view())->tags(0) == "a");
  CHECK(store::find_snapshot(*state, second.view())->tags().empty());
}

TEST_CASE("everything is found again from packs alone") {
  RepairFixture fixture;
  fixture.lose_everything_but_packs();
  const maintenance::RepairResult result = fixture.repair();
  CHECK(result.needed);
  CHECK(result.recovered.size() == 2);
  CHECK(result.incomplete.empty());
  CHECK(result.packs > 3);
  CHECK(fixture.lists(fixture.first));
  CHECK(fixture.lists(fixture.second));
  CHECK(fixture.problems_of_check() == kNoSlotLeft);

  SECTION("another machine opens it") {
    fixture.repository.reopen();
    CHECK(fixture.lists(fixture.second));
    CHECK(fixture.problems_of_check() == kNoSlotLeft);
  }
  SECTION("and backups go on") {
    write_file(fixture.source.path("folder/later"), noise(10'000, 300));
    fixture.repository.back_up({fixture.source.path()});
    CHECK(fixture.repository.repository().state()->snapshots_size() == 3);
    CHECK(fixture.problems_of_check() == kNoSlotLeft);
  }
  SECTION("and there is nothing to do any more") {
    fixture.repository.reopen_without_log();
    CHECK_FALSE(fixture.repair().needed);
  }
}

TEST_CASE("a dry run tells and writes nothing") {
  RepairFixture fixture;
  fixture.lose_everything_but_packs();
  const maintenance::RepairResult result = fixture.repair(true);
  CHECK(result.needed);
  CHECK(result.recovered.size() == 2);
  CHECK(fixture.repository.destination().list("log/").empty());
  CHECK(fixture.repository.destination().list("index/").empty());
}

TEST_CASE("a log in order is left alone") {
  RepairFixture fixture;
  const auto before = fixture.repository.destination().list("");
  fixture.repository.reopen_without_log();
  const maintenance::RepairResult result = fixture.repair();
  CHECK_FALSE(result.needed);
  const auto after = fixture.repository.destination().list("");
  CHECK(before.size() == after.size());
}

TEST_CASE("a log that cannot be used is replaced by one above it") {
  RepairFixture fixture;
  const std::uint64_t generation = fixture.repository.repository().state()->generation();
  SECTION("a record is missing") { fixture.repository.destination().remove(store::record_key(2)); }
  SECTION("a record is damaged") {
    const std::string path = fixture.repository.path() + "/" + store::record_key(3);
    must(chmod(path.c_str(), 0600), "chmod");
    must(truncate(path.c_str(), 100), "truncate");
  }
  fixture.remove_all("state/");
  fixture.repository.reopen_without_log();
  const maintenance::RepairResult result = fixture.repair();
  CHECK(result.needed);
  CHECK(result.recovered.size() == 2);
  CHECK(fixture.repository.repository().state()->generation() > generation);
  CHECK(fixture.problems_of_check() == std::vector<std::string>{});
}

TEST_CASE("packs that the log had condemned are none of the new one, unless they are needed") {
  RepairFixture fixture;
  SmallRepository& small = fixture.repository;
  const auto place = std::make_shared<destination::LocalDestination>(small.path());
  Machine other;
  other.open(place, small.keyring());
  std::vector<store::ObjectName> packs = small.repository().index().live_packs();
  const std::set<store::ObjectName> before(packs.begin(), packs.end());
  write_file(fixture.source.path("folder/third"), noise(9000, 300));
  small.back_up({fixture.source.path()});
  packs = small.repository().index().live_packs();
  std::erase_if(packs, [&](const store::ObjectName& name) { return before.contains(name); });
  REQUIRE_FALSE(packs.empty());
  const auto third = crypto::BlobId::from_bytes(as_bytes(small.repository().state()->snapshots(2).id()));
  const bool is_forgotten = GENERATE(true, false);  // otherwise what it was moved to is lost
  forge_condemn(small.repository(), is_forgotten ? std::vector{third} : std::vector<crypto::BlobId>{}, packs);
  // Nothing leads from the first record to the one that condemned.
  if (GENERATE(false, true))
    small.destination().remove(store::record_key(2));
  else
    small.destination().put(store::record_key(small.repository().state()->generation() + 1), Bytes(99, 1));
  fixture.remove_all("state/");

  bool are_left_out = is_forgotten;
  std::unique_ptr<store::Repository> others;
  SECTION("it was this machine") { small.reopen_refused(); }
  SECTION("it was a remover that was known by then") {
    others = store::Repository::open_without_log(other.context(place, small.keyring()));
  }
  SECTION("whoever has not seen the log does not know who its removers are") {
    small.reopen_without_log();
    are_left_out = false;
  }
  store::Repository& repository = others ? *others : small.repository();
  const auto result = maintenance::run_repair(repository, false, fixture.monitor, {});
  CHECK(result.needed);
  CHECK(result.recovered.size() == (are_left_out ? 2u : 3u));
  for (const store::ObjectName& name : packs) CHECK(repository.index().is_live(name) == !are_left_out);
  for (const store::ObjectName& name : before) CHECK(repository.index().is_live(name));
}

TEST_CASE(
    "a machine that may only add has no packs left out of a new log by saying that they are condemned") {
  RepairFixture fixture;
  SmallRepository& small = fixture.repository;
  forge_record_by_other(small.repository(), [&](store::Record& record) {
    for (const store::ObjectName& name : small.repository().index().live_packs())
      record.body.add_condemn(name.value.data(), name.value.size());
  });
  small.reopen_refused();
  const maintenance::RepairResult result = fixture.repair();
  CHECK(result.needed);
  CHECK(result.recovered.size() == 2);
  CHECK(fixture.problems_of_check() == std::vector<std::string>{});
}

TEST_CASE("a snapshot that lacks content is told and not listed") {
  RepairFixture fixture;
  // The packs that only the second snapshot needs hold the large file.
  std::optional<store::ObjectName> needed;
  snapshot::ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
    if (kind == crypto::BlobKind::kData && path.ends_with("/new")) {
      needed = fixture.repository.repository().index().find(id)->pack;
    }
    return true;
  };
  visitor.unreadable = [](crypto::BlobKind, const crypto::BlobId&, const std::string&, const std::string&) {};
  snapshot::walk_closure(fixture.second, fixture.repository.repository(), visitor);
  REQUIRE(needed);
  const std::string key = store::pack_key(*needed);
  SECTION("a pack is gone") { fixture.repository.destination().remove(key); }
  SECTION("a pack is cut off") {
    const std::string path = fixture.repository.path() + "/" + key;
    must(chmod(path.c_str(), 0600), "chmod");
    must(truncate(path.c_str(), 50'000), "truncate");
  }
  fixture.lose_everything_but_packs();
  const maintenance::RepairResult result = fixture.repair();
  CHECK(result.recovered.size() == 1);
  CHECK(result.incomplete.size() == 1);
  CHECK(fixture.lists(fixture.first));
  CHECK_FALSE(fixture.lists(fixture.second));
  CHECK(fixture.monitor.told("is not complete: content of " + fixture.source.path("folder/new")));
  CHECK(fixture.problems_of_check() == kNoSlotLeft);
}

TEST_CASE("objects that are no packs are passed over") {
  RepairFixture fixture;
  fixture.repository.destination().put("packs/aa/" + std::string(64, 'a'), Bytes(150'000, 1));
  fixture.repository.destination().put("packs/note", Bytes(3, 1));
  fixture.lose_everything_but_packs();
  const maintenance::RepairResult result = fixture.repair();
  CHECK(result.recovered.size() == 2);
  CHECK(fixture.monitor.told("packs/note is left out"));
}

TEST_CASE("a snapshot that only a readable record lists is found as well") {
  RepairFixture fixture;
  // As an unchanged backup leaves it: one record, and no pack.
  store::CommitPlan plan = test_plan({});
  *plan.snapshot = fixture.second;
  set_uuid(*plan.snapshot->mutable_run(), Uuid::random());
  REQUIRE(fixture.repository.repository().commit(plan).committed);
  fixture.repository.destination().remove(store::record_key(1));
  fixture.remove_all("state/");
  fixture.repository.reopen_without_log();
  CHECK(fixture.repair().recovered.size() == 3);
}

TEST_CASE("a repository without a pack becomes an empty one again") {
  SmallRepository repository;
  for (const std::string prefix : {"log/", "state/"}) {
    for (const destination::ObjectInfo& object : repository.destination().list(prefix)) {
      repository.destination().remove(object.key);
    }
  }
  repository.reopen_without_log();
  RecordingCheckMonitor monitor;
  const auto result = maintenance::run_repair(repository.repository(), false, monitor, {});
  CHECK(result.needed);
  CHECK(result.recovered.empty());
  const TemporaryFolder source;
  write_file(source.path("file"), "content");
  repository.reopen();
  repository.back_up({source.path()});
  CHECK(repository.repository().state()->snapshots_size() == 1);
}

TEST_CASE("a log that is made anew says that there are differences, and lists none without its base") {
  SmallRepository small;
  RecordingCheckMonitor monitor;
  const std::string base = noise(12'000, 1);
  small.back_up_node([&](store::BlobSink& sink) { return whole_node(sink, base); });
  CHECK(small.repository().state()->must_know_to_read() == 0);
  const auto made = small.back_up_node(
      [&](store::BlobSink& sink) { return difference_node(small, sink, base, base + "changed"); });
  CHECK(small.repository().state()->must_know_to_read() == store::kDifferencesFeature);
  const bool has_base = GENERATE(true, false);
  if (!has_base) {
    const auto id = crypto::BlobId::from_bytes(as_bytes(made.sources(0).root().content(0).base()));
    small.destination().remove(store::pack_key(small.repository().index().find(id)->pack));
  }
  for (const std::string prefix : {"log/", "index/", "state/"}) {
    for (const auto& object : small.destination().list(prefix)) small.destination().remove(object.key);
  }
  small.reopen_without_log();
  const auto result = maintenance::run_repair(small.repository(), false, monitor, {});
  CHECK(result.recovered.size() == (has_base ? 2u : 0u));
  CHECK(result.incomplete.size() == (has_base ? 0u : 2u));
  if (has_base) {
    CHECK(small.repository().state()->must_know_to_read() == store::kDifferencesFeature);
    small.reopen();
    CHECK(small.repository().state()->snapshots_size() == 2);
  }
}

TEST_CASE("a log that is refused and lists packs that are not there is made anew: nothing else takes it") {
  RepairFixture fixture;
  SmallRepository& repository = fixture.repository;
  // Put back from a copy that was taken log first, while a prune ran.
  const store::CommitOutcome last = repository.repository().commit(test_plan({}));
  REQUIRE(last.committed);
  repository.destination().remove(store::record_key(last.generation));
  fixture.remove_all("state/");
  repository.reopen_refused();
  CHECK(repository.repository().is_refused());
  SECTION("where all are there, it is for who accepts it") { CHECK_FALSE(fixture.repair().needed); }
  SECTION("where one is not there") {
    repository.destination().remove(repository.destination().list("packs/").front().key);
    CHECK(fixture.repair(/*dry_run=*/true).needed);
    CHECK(fixture.monitor.told("it is refused, and 1 of the packs that it lists are not there"));
    CHECK(fixture.repair().needed);
    CHECK_FALSE(repository.repository().is_refused());
    CHECK(store::log_number(repository.repository().state()->generation()) == 1);
    CHECK(fixture.problems_of_check().empty());
  }
}
