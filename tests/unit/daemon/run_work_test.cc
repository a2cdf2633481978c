#include "run_work.h"

#include <sys/stat.h>

#include "base/stop_scope.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

namespace fs = std::filesystem;

using catalog::RunKind;

// Each pack of the repository becomes a socket: to open one fails as on a disk that was pulled out, while
// names are still listed.
void lose_packs(const std::string& repository) {
  std::vector<std::string> packs;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(repository + "/packs")) {
    if (entry.is_regular_file()) packs.push_back(entry.path().native());
  }
  REQUIRE_FALSE(packs.empty());
  for (const std::string& pack : packs) {
    fs::remove(pack);
    REQUIRE(mknod(pack.c_str(), S_IFSOCK | 0600, 0) == 0);
  }
}

TEST_CASE("a destination that is away keeps no other one from forgetting") {
  WorkingMachine machine;
  for (const char* destination : {"a", "b"}) {
    machine.add(destination, 2);
    machine.add(destination, 1);
  }
  StoredRequest request;
  request.destinations = {"a", "b"};
  request.forget.mutable_retention()->set_last(1);
  machine.take_away("b");
  const v1::Run report = machine.execute(RunKind::kForget, request);
  CHECK(machine.snapshots("a") == 1);
  CHECK(report.forget().forgotten() == 1);
  CHECK(report.incomplete());
  REQUIRE(report.errors_size() == 1);
  CHECK(report.errors(0).path() == "b");

  machine.take_away("a");
  CHECK(kind_of([&] { machine.execute(RunKind::kForget, request); }) == ErrorKind::kDestinationAway);
  machine.bring_back("a");
  machine.bring_back("b");
  CHECK_FALSE(machine.execute(RunKind::kForget, request).incomplete());
  CHECK(machine.snapshots("b") == 1);
}

TEST_CASE("what a cancelled backup left is taken back at every destination that is there") {
  WorkingMachine machine;
  const auto run = machine.begin(RunKind::kBackup, machine.backup_to({"a", "b"}));
  const auto checkpoint = machine.here.catalog.checkpoint(run->number());
  checkpoint->begin(system_clock().now(), {});
  const auto repository = machine.here.destinations.open("b");
  store::CommitPlan plan;
  testing::set_uuid(*plan.set_roots.emplace_back().mutable_run(), run->uuid());
  REQUIRE(repository->commit(plan).committed);
  REQUIRE(repository->state()->roots_size() == 1);
  machine.take_away("a");
  CHECK(kind_of([&] { machine.work.abandon(*run); }) == ErrorKind::kDestinationAway);
  CHECK(repository->state()->roots_size() == 0);
  CHECK_FALSE(checkpoint->load());
}

TEST_CASE("a restore goes on from the next destination when one goes away") {
  WorkingMachine machine;
  const std::string id = machine.execute(RunKind::kBackup, machine.backup_to({"a", "b"})).snapshot_id();

  machine.execute(RunKind::kRestore, machine.restore_of(id, "from a"));
  CHECK(machine.is_restored("from a"));
  // As another process finds it: nothing of it has been read before.
  machine.here.destinations.close("a");
  lose_packs(machine.folder.path("a"));
  const v1::Run report = machine.execute(RunKind::kRestore, machine.restore_of(id, "from both"));
  CHECK(machine.is_restored("from both"));
  CHECK_FALSE(report.incomplete());
  // What was there before is nobody's unfinished restore, whichever it is read from.
  fs::create_directories(machine.folder.path("mine"));
  std::ofstream(machine.folder.path("mine/file")) << "mine";
  StoredRequest occupied = machine.restore_of(id, "mine");
  occupied.restore.set_path("file");
  CHECK(kind_of([&] { machine.execute(RunKind::kRestore, occupied); }) == ErrorKind::kAlreadyExists);
  CHECK(as_text(read_file(machine.folder.path("mine/file"), 100)) == "mine");
  machine.take_away("a");
  machine.execute(RunKind::kRestore, machine.restore_of(id, "from b"));
  CHECK(machine.is_restored("from b"));
  machine.take_away("b");
  CHECK(kind_of([&] { machine.execute(RunKind::kRestore, machine.restore_of(id, "nothing")); }) ==
        ErrorKind::kDestinationAway);
  machine.bring_back("b");
  machine.bring_back("a");
  CHECK(kind_of([&] {
          machine.execute(RunKind::kRestore, machine.restore_of(std::string(64, '5'), "nothing"));
        }) == ErrorKind::kNotFound);
}

TEST_CASE("a restore that is stopped while it looks for its snapshot is not taken for one that has to wait") {
  WorkingMachine machine;
  const std::string keys = machine.folder.path("access");
  replace_file_durably(keys, as_bytes("aws_access_key_id = A\naws_secret_access_key = S\n"));
  machine.here.catalog.configuration().add_destination(
      {"store", "s3:http://127.0.0.1:1/bucket", Uuid::random(), false, Uuid{}, {{"access-keys", keys}}});
  const auto run = machine.begin(RunKind::kRestore, machine.restore_of(std::string(64, '5'), "nothing"));
  const std::stop_token stop = run->begin_attempt();
  run->stop(StopWish::kPause);
  const StopScope scope(stop);
  CHECK(kind_of([&] { machine.work.execute(*run, stop); }) == ErrorKind::kCancelled);
}

TEST_CASE("folders of this machine are read before other places") {
  TwoDisks disks;
  disks.here.catalog.configuration().add_destination(
      {"0-store", "s3:https://s3.example.org/bucket", Uuid::random(), true, Uuid::random()});
  std::vector<std::string> names;
  for (const auto& facts : disks.here.destinations.nearest_first()) names.push_back(facts.name);
  CHECK(names == std::vector<std::string>{"a", "b", "0-store"});
}

}  // namespace
}  // namespace garner::daemon
