#include "sets.h"

#include <sched.h>
#include <sys/mount.h>

#include "installation.h"
#include "retention_message.h"
#include "support/store_fixture.h"

namespace garner::daemon {
namespace {

namespace fs = std::filesystem;

struct WithDisk {
  WithDisk() : here(folder.path("state")) {
    here.add("disk", folder.path("disk"));
    for (const char* name : {"a", "a/b", "c"}) fs::create_directories(folder.path(name));
  }
  v1::AddSetRequest request(const std::string& name, const std::vector<std::string>& sources) const {
    v1::AddSetRequest request;
    request.set_name(name);
    for (const std::string& source : sources) request.add_sources(source);
    request.add_destinations("disk");
    return request;
  }

  testing::TemporaryFolder folder;
  Installation here;
};

TEST_CASE("a set is kept with normal paths") {
  WithDisk disk;
  auto request = disk.request("home", {disk.folder.path("a/../a/"), disk.folder.path("c")});
  request.set_exclude_caches(true);
  const auto set = disk.here.sets.add(request);
  CHECK(set.sources(0) == disk.folder.path("a"));
  CHECK(set.exclude_caches());
  CHECK_FALSE(set.one_file_system());
  CHECK(kind_of([&] { disk.here.sets.add(request); }) == ErrorKind::kAlreadyExists);
}

TEST_CASE("rules of a set are checked, kept in order, replaced and taken away") {
  WithDisk disk;
  auto request = disk.request("home", {disk.folder.path("a")});
  request.add_rules("shred *");
  CHECK(kind_of([&] { disk.here.sets.add(request); }) == ErrorKind::kInvalidInput);
  request.clear_rules();
  request.add_rules("ignore \xff");
  request.add_rules("once *.jpg");
  const auto set = disk.here.sets.add(request);
  REQUIRE(set.rule_bytes_size() == 2);
  CHECK(set.rule_bytes(0) == "ignore \xff");
  CHECK(set.rules(0) == "ignore \\xff");
  v1::EditSetRequest edit;
  edit.set_name("home");
  CHECK(disk.here.sets.edit(edit).rules_size() == 2);
  edit.add_rules("ignore [");
  CHECK(kind_of([&] { disk.here.sets.edit(edit); }) == ErrorKind::kInvalidInput);
  edit.set_rules(0, "always *.db");
  const auto edited = disk.here.sets.edit(edit);
  REQUIRE(edited.rules_size() == 1);
  CHECK(edited.rules(0) == "always *.db");
  edit.clear_rules();
  edit.set_no_rules(true);
  CHECK(disk.here.sets.edit(edit).rules_size() == 0);
}

TEST_CASE("the rules of a set are bounded together") {
  WithDisk disk;
  auto request = disk.request("home", {disk.folder.path("a")});
  for (int i = 0; i < 1000; ++i) request.add_rules("ignore /" + std::to_string(i));
  disk.here.sets.add(request);
  v1::EditSetRequest edit;
  edit.set_name("home");
  *edit.mutable_rules() = request.rules();
  edit.add_rules("ignore /one/more");
  CHECK(kind_of([&] { disk.here.sets.edit(edit); }) == ErrorKind::kInvalidInput);
  edit.clear_rules();
  for (int i = 0; i < 8; ++i) edit.add_rules("ignore /" + std::string(8184, 'x'));
  CHECK(disk.here.sets.edit(edit).rules_size() == 8);
  edit.add_rules("ignore y");
  try {
    disk.here.sets.edit(edit);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(".track") != std::string::npos);
  }
  CHECK(disk.here.sets.get("home").definition.rules_size() == 8);
}

TEST_CASE("a source that is mounted a second time is known as the same folder") {
  // In a name space of this test's own, so that nothing stays mounted, and before there is another thread.
  const bool apart =
      unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  WithDisk disk;
  const std::string again = disk.folder.path("again");
  fs::create_directories(again);
  if (!apart || mount(disk.folder.path("a").c_str(), again.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    WARN("not tested: nothing may be mounted here");
    return;
  }
  const auto refused = [&](const std::vector<std::string>& sources) {
    return kind_of([&] { disk.here.sets.add(disk.request("x", sources)); });
  };
  CHECK(refused({disk.folder.path("a"), again}) == ErrorKind::kInvalidInput);
  CHECK(refused({disk.folder.path("a"), again + "/b"}) == ErrorKind::kInvalidInput);
  CHECK(refused({again, disk.folder.path("a/b")}) == ErrorKind::kInvalidInput);
  CHECK(umount(again.c_str()) == 0);
}

TEST_CASE("what cannot be backed up is refused, and the message names it") {
  WithDisk disk;
  const auto refused = [&](const std::vector<std::string>& sources) {
    return kind_of([&] { disk.here.sets.add(disk.request("x", sources)); });
  };
  CHECK(refused({}) == ErrorKind::kInvalidInput);
  CHECK(refused({"relative"}) == ErrorKind::kInvalidInput);
  CHECK(refused({disk.folder.path("missing")}) == ErrorKind::kNotFound);
  CHECK(refused({disk.folder.path("a"), disk.folder.path("a/b")}) == ErrorKind::kInvalidInput);
  CHECK(refused({disk.folder.path("a"), disk.folder.path("a")}) == ErrorKind::kInvalidInput);
  CHECK(refused({disk.folder.path("disk")}) == ErrorKind::kInvalidInput);
  CHECK(refused({disk.folder.path("disk/packs")}) != ErrorKind::kInternal);
  CHECK(refused({disk.folder.path("state/keys")}) == ErrorKind::kInvalidInput);
  fs::create_symlink(disk.folder.path("a"), disk.folder.path("link"));
  CHECK(refused({disk.folder.path("a"), disk.folder.path("link")}) == ErrorKind::kInvalidInput);
  try {
    disk.here.sets.add(disk.request("x", {disk.folder.path("a"), disk.folder.path("missing")}));
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(disk.folder.path("missing")) != std::string::npos);
  }
  CHECK(disk.here.catalog.configuration().sets().empty());
}

TEST_CASE("a source may hold the repository and the state folder") {
  WithDisk disk;
  CHECK_NOTHROW(disk.here.sets.add(disk.request("all", {disk.folder.path()})));
}

TEST_CASE("a set has destinations that exist, each once, of the same keys") {
  WithDisk disk;
  disk.here.add("two", disk.folder.path("two"));
  disk.here.add("own", disk.folder.path("own"), with_password("its own"));
  auto request = disk.request("x", {disk.folder.path("a")});
  request.add_destinations("disk");
  CHECK(kind_of([&] { disk.here.sets.add(request); }) == ErrorKind::kInvalidInput);
  request.clear_destinations();
  CHECK(kind_of([&] { disk.here.sets.add(request); }) == ErrorKind::kInvalidInput);
  request.add_destinations("three");
  CHECK(kind_of([&] { disk.here.sets.add(request); }) == ErrorKind::kNotFound);
  request.set_destinations(0, "disk");
  request.add_destinations("own");
  CHECK(kind_of([&] { disk.here.sets.add(request); }) == ErrorKind::kInvalidInput);
  request.set_destinations(1, "two");
  const auto set = disk.here.sets.add(request);
  REQUIRE(set.destinations_size() == 2);
  CHECK(set.destinations(1) == "two");
}

TEST_CASE("supply is kept, replaced and taken away, and goes with what a set has") {
  WithDisk disk;
  disk.here.add("two", disk.folder.path("two"));
  auto home = disk.request("home", {disk.folder.path("a")});
  home.mutable_supply()->set_from("disk");
  CHECK(kind_of([&] { disk.here.sets.add(home); }) == ErrorKind::kInvalidInput);
  CHECK(disk.here.catalog.configuration().sets().empty());
  home.add_destinations("two");
  CHECK(disk.here.sets.add(home).supply().from() == "disk");
  const auto change = [] {
    v1::EditSetRequest request;
    request.set_name("home");
    return request;
  };
  v1::EditSetRequest other = change();
  other.set_exclude_caches(true);
  CHECK(disk.here.sets.edit(other).supply().from() == "disk");
  // What supplies the others stays in the set until somebody says what is to do so instead.
  for (const char* name : {"disk", "two"}) {
    v1::EditSetRequest only = change();
    only.add_destinations(name);
    CHECK(kind_of([&] { disk.here.sets.edit(only); }) == ErrorKind::kInvalidInput);
  }
  v1::EditSetRequest unknown = change();
  unknown.mutable_supply()->set_from("three");
  CHECK(kind_of([&] { disk.here.sets.edit(unknown); }) == ErrorKind::kInvalidInput);
  CHECK(disk.here.sets.get("home").destinations.size() == 2);
  CHECK(disk.here.sets.get("home").supply == catalog::Supply{"disk", false});

  v1::EditSetRequest both = change();
  both.mutable_supply()->set_both_ways(true);
  const v1::BackupSet replaced = disk.here.sets.edit(both);
  CHECK(replaced.supply().both_ways());
  CHECK(replaced.supply().from().empty());
  v1::EditSetRequest none = change();
  none.add_destinations("two");
  none.mutable_supply();
  CHECK(disk.here.sets.edit(none).destinations_size() == 1);
  CHECK(disk.here.sets.get("home").supply == catalog::Supply());
}

TEST_CASE("a destination that is added to a set with snapshots is behind, one that is taken out is not") {
  WithDisk disk;
  disk.here.add("two", disk.folder.path("two"));
  disk.here.sets.add(disk.request("home", {disk.folder.path("a")}));
  const auto edit = [&](const std::vector<std::string>& names) {
    v1::EditSetRequest request;
    request.set_name("home");
    for (const std::string& name : names) request.add_destinations(name);
    disk.here.sets.edit(request);
  };
  const auto behind = [&] { return disk.here.catalog.set_destinations().behind(); };
  // There is nothing to make up for.
  edit({"disk", "two"});
  CHECK(behind().empty());
  edit({"disk"});
  store::CommitPlan plan;
  plan.snapshot = testing::test_snapshot(
      Uuid::random(), Uuid::from_bytes(as_bytes(disk.here.sets.get("home").definition.uuid())));
  REQUIRE(disk.here.destinations.open("disk")->commit(plan).committed);
  disk.here.destinations.look("disk");
  edit({"disk", "two"});
  REQUIRE(behind().size() == 1);
  CHECK(behind()[0].destination == "two");
  v1::SetStatus status;
  disk.here.sets.describe_destinations(disk.here.sets.get("home"), status);
  REQUIRE(status.destinations_size() == 2);
  CHECK_FALSE(status.destinations(0).behind());
  CHECK(status.destinations(1).behind());
  CHECK(status.destinations(1).reason() == "it was added to the set");
  edit({"disk"});
  CHECK(behind().empty());
  // Nobody is left who could give it anything.
  edit({"two"});
  CHECK(behind().empty());
}

TEST_CASE("an edit changes what it names and keeps the rest") {
  WithDisk disk;
  auto request = disk.request("home", {disk.folder.path("a")});
  request.set_one_file_system(true);
  const auto before = disk.here.sets.add(request);
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_sources(disk.folder.path("c"));
  edit.set_exclude_caches(true);
  const auto after = disk.here.sets.edit(edit);
  CHECK(after.id() == before.id());
  CHECK(after.sources(0) == disk.folder.path("c"));
  CHECK(after.one_file_system());
  CHECK(after.exclude_caches());
  CHECK(after.destinations(0) == "disk");
  edit.set_name("other");
  CHECK(kind_of([&] { disk.here.sets.edit(edit); }) == ErrorKind::kNotFound);
}

TEST_CASE("a set is found again as its newest snapshot says, whichever was committed last") {
  WithDisk disk;
  const Uuid uuid = Uuid::random();
  const auto commit = [&](const std::string& source, std::int64_t finished) {
    store::CommitPlan plan;
    plan.snapshot = testing::test_snapshot(Uuid::random(), uuid);
    plan.snapshot->mutable_set()->add_sources(source);
    plan.snapshot->set_host("host");
    plan.snapshot->mutable_finished()->set_seconds(finished);
    REQUIRE(disk.here.destinations.open("disk")->commit(plan).committed);
  };
  commit("/newer", 1'700'000'000);
  commit("/older", 1'600'000'000);
  CHECK(disk.here.sets.recover("disk") == std::vector<std::string>{"documents"});
  CHECK(disk.here.sets.get("documents").definition.sources(0) == "/newer");
}

TEST_CASE("the rules of a set count by the clocks of its schedule's zone") {
  WithDisk disk;
  auto berlin = disk.request("berlin", {disk.folder.path("a")});
  berlin.mutable_schedule()->set_timezone("Europe/Berlin");
  berlin.mutable_retention()->set_daily(7);
  const auto set = disk.here.sets.add(berlin);
  disk.here.sets.add(disk.request("plain", {disk.folder.path("c")}));
  const auto zones = zones_of_sets(disk.here.catalog);
  REQUIRE(zones.size() == 1);
  CHECK(zones.begin()->second == "Europe/Berlin");
  CHECK(Uuid::from_bytes(as_bytes(zones.begin()->first)).text() == set.id());
}

TEST_CASE("a set keeps rules of single destinations, and none of a destination that is not its own") {
  WithDisk disk;
  auto request = disk.request("home", {disk.folder.path("a")});
  auto& rules = *request.add_destination_retentions();
  rules.set_destination("usb");
  rules.mutable_retention()->set_last(3);
  CHECK(kind_of([&] { disk.here.sets.add(request); }) == ErrorKind::kInvalidInput);
  CHECK(disk.here.catalog.configuration().sets().empty());
  rules.set_destination("disk");
  CHECK(disk.here.sets.add(request).destination_retentions(0).retention().last() == 3);
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.mutable_retention()->set_daily(7);
  const auto edited = disk.here.sets.edit(edit);
  CHECK(edited.retention().daily() == 7);
  REQUIRE(edited.destination_retentions_size() == 1);
  CHECK(edited.destination_retentions(0).retention().last() == 3);
}

}  // namespace
}  // namespace garner::daemon
