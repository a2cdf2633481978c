// Copies of snapshots.
#include <fstream>

#include "copy_request.h"
#include "run_work.h"
#include "snapshot/closure.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

StoredRequest copy_request_of(WorkingMachine& machine, const std::string& snapshot, const std::string& to) {
  v1::StartCopyRequest request;
  request.set_snapshot(snapshot);
  request.set_destination(to);
  return copy_request(machine.here.destinations, request);
}

bool has_all_of(WorkingMachine& machine, const std::string& destination, const std::string& id) {
  const auto repository = machine.here.destinations.open(destination);
  const auto state = repository->state();
  const auto* entry = store::find_snapshot(*state, crypto::BlobId::from_bytes(from_hex(id)).view());
  return entry != nullptr && snapshot::Completeness(*repository, {}).is_complete(entry->snapshot());
}

TEST_CASE("a snapshot is copied to a destination, with its id, and once") {
  WorkingMachine machine;
  const std::string older = machine.back_up("a");
  std::ofstream(machine.folder.path("source/more")) << "more";
  const std::string id = machine.back_up("a");
  const v1::Run report = machine.execute(RunKind::kCopy, copy_request_of(machine, "home@latest", "b"));
  CHECK(report.snapshot_id() == id);
  CHECK(has_all_of(machine, "b", id));
  CHECK(machine.snapshots("b") == 1);
  REQUIRE(report.destinations_size() == 1);
  CHECK(report.destinations(0).state() == v1::DESTINATION_RUN_STATE_DONE);
  CHECK(report.destinations(0).snapshot_id() == id);
  REQUIRE(report.destinations(0).supplied_from_size() == 1);
  CHECK(report.destinations(0).supplied_from(0) == "a");
  CHECK(report.files() == 2);
  CHECK(report.read_bytes() == 0);
  CHECK(report.supplied_bytes() > 0);
  CHECK_FALSE(report.incomplete());

  const v1::Run again = machine.execute(RunKind::kCopy, copy_request_of(machine, id, "b"));
  CHECK(again.destinations(0).state() == v1::DESTINATION_RUN_STATE_DONE);
  CHECK(again.supplied_bytes() == 0);
  CHECK(machine.snapshots("b") == 1);
  machine.execute(RunKind::kCopy, copy_request_of(machine, older, "b"));
  CHECK(has_all_of(machine, "b", older));
  // An older one that comes late is not the latest.
  CHECK(copy_request_of(machine, "home@latest", "b").copy.snapshot() == id);
  // Nobody waits for a forget: somebody wanted to have it there.
  CHECK_FALSE(machine.work.follow_up(*machine.begin(RunKind::kCopy, copy_request_of(machine, id, "b"))));
}

TEST_CASE("a copy goes to a destination that is known, and of a snapshot that is there") {
  WorkingMachine machine;
  const std::string id = machine.back_up("a");
  CHECK(kind_of([&] { copy_request_of(machine, id, "nowhere"); }) == ErrorKind::kNotFound);
  CHECK(kind_of([&] { copy_request_of(machine, "5555", "b"); }) == ErrorKind::kNotFound);
}

TEST_CASE("a copy to a destination of other keys names everything again, and says so") {
  WorkingMachine machine;
  const std::string id = machine.back_up("a");
  const bool encrypted = GENERATE(true, false);
  machine.here.add("own", machine.folder.path("own"), [&](v1::AddDestinationRequest& request) {
    if (encrypted) {
      with_password("its own")(request);
    } else {
      request.set_no_encryption(true);
    }
  });
  const v1::Run report = machine.execute(RunKind::kCopy, copy_request_of(machine, id, "own"));
  CHECK(report.snapshot_id() == id);
  REQUIRE(report.destinations_size() == 1);
  const v1::DestinationRun& part = report.destinations(0);
  CHECK(part.state() == v1::DESTINATION_RUN_STATE_DONE);
  CHECK(part.renamed());
  CHECK(part.snapshot_id() != id);
  REQUIRE(part.supplied_from_size() == 1);
  CHECK(part.supplied_from(0) == "a");
  CHECK(report.supplied_bytes() > 0);
  CHECK(has_all_of(machine, "own", part.snapshot_id()));

  const v1::Run again = machine.execute(RunKind::kCopy, copy_request_of(machine, id, "own"));
  CHECK(again.destinations(0).snapshot_id() == part.snapshot_id());
  CHECK(again.supplied_bytes() == 0);
  CHECK(machine.snapshots("own") == 1);

  // And from there to one of the first keys, under the name that it had.
  machine.take_away("a");
  machine.execute(RunKind::kRestore, machine.restore_of(part.snapshot_id(), "restored"));
  CHECK(machine.is_restored("restored"));
  const v1::Run back = machine.execute(RunKind::kCopy, copy_request_of(machine, part.snapshot_id(), "b"));
  CHECK(back.destinations(0).renamed());
  CHECK(back.destinations(0).snapshot_id() == id);
  CHECK(has_all_of(machine, "b", id));
}

TEST_CASE("of several that have the snapshot, one of the same keys gives it as it is") {
  WorkingMachine machine;
  const std::string id = machine.back_up("a");
  machine.here.add("own", machine.folder.path("own"), with_password("its own"));
  machine.execute(RunKind::kCopy, copy_request_of(machine, id, "own"));
  const v1::Run report = machine.execute(RunKind::kCopy, copy_request_of(machine, id, "b"));
  CHECK_FALSE(report.destinations(0).renamed());
  CHECK(report.destinations(0).snapshot_id() == id);
}

TEST_CASE("a copy waits for those that have the snapshot, and for the one that is to have it") {
  WorkingMachine machine;
  const std::string id = machine.back_up("a");
  const StoredRequest request = copy_request_of(machine, id, "b");
  machine.take_away("b");
  CHECK(kind_of([&] { machine.execute(RunKind::kCopy, request); }) == ErrorKind::kDestinationAway);
  machine.bring_back("b");
  machine.take_away("a");
  CHECK(kind_of([&] { machine.execute(RunKind::kCopy, request); }) == ErrorKind::kDestinationAway);
  machine.bring_back("a");
  machine.execute(RunKind::kCopy, request);
  CHECK(has_all_of(machine, "b", id));
}

TEST_CASE("one that is behind is given the newest when the copy begins, and is behind no more") {
  WorkingMachine machine;
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_destinations("a");
  edit.add_destinations("b");
  machine.here.sets.edit(edit);
  machine.back_up("a");
  machine.here.catalog.set_destinations().mark_behind("home", "b", {1, 0}, "it was away");
  const StoredRequest request = catch_up_request(machine.here.sets.get("home"), "b");
  std::ofstream(machine.folder.path("source/more")) << "more";
  const std::string newest = machine.back_up("a");
  const auto run = machine.begin(RunKind::kCopy, decode_request(encode(request)));
  const v1::Run report = machine.execute(*run);
  CHECK(report.snapshot_id() == newest);
  CHECK(has_all_of(machine, "b", newest));
  CHECK(machine.here.catalog.set_destinations().behind().empty());
  const auto states = machine.here.catalog.set_destinations().find("home");
  CHECK(states.at("b").last_snapshot->hex() == newest);
}

TEST_CASE("who has the newest that is left is behind no more when a newer one was forgotten") {
  WorkingMachine machine;
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_destinations("a");
  edit.add_destinations("b");
  machine.here.sets.edit(edit);
  const std::string left = machine.back_up("a");
  machine.execute(RunKind::kCopy, copy_request_of(machine, left, "b"));
  StoredRequest forget;
  forget.destinations = {"a"};
  forget.forget.add_names(machine.back_up("a"));
  machine.here.catalog.set_destinations().mark_behind("home", "b", {1, 0}, "it was away");
  machine.execute(RunKind::kForget, forget);
  REQUIRE(machine.snapshots("a") == 1);
  const StoredRequest request = catch_up_request(machine.here.sets.get("home"), "b");
  CHECK(machine.execute(RunKind::kCopy, request).snapshot_id() == left);
  CHECK(machine.here.catalog.set_destinations().behind().empty());
}

TEST_CASE("a copy by itself ends without having done anything when its set has the destination no more") {
  WorkingMachine machine;
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_destinations("a");
  edit.add_destinations("b");
  machine.here.sets.edit(edit);
  machine.back_up("a");
  const auto run = machine.begin(RunKind::kCopy, catch_up_request(machine.here.sets.get("home"), "b"));
  const auto checkpoint = machine.here.catalog.checkpoint(run->number());
  checkpoint->begin(system_clock().now(), {{0, {}}});
  edit.clear_destinations();
  edit.add_destinations("a");
  machine.here.sets.edit(edit);
  const bool away = GENERATE(false, true);
  if (away) machine.take_away("b");
  const v1::Run report = machine.execute(*run);
  if (away) machine.bring_back("b");
  CHECK(machine.snapshots("b") == 0);
  CHECK(report.destinations(0).state() == v1::DESTINATION_RUN_STATE_BEHIND);
  CHECK_FALSE(machine.work.follow_up(*run));
  CHECK_FALSE(checkpoint->load());
}

TEST_CASE("a copy of an older snapshot does not make up for the newest") {
  WorkingMachine machine;
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_destinations("a");
  edit.add_destinations("b");
  machine.here.sets.edit(edit);
  const std::string older = machine.back_up("a");
  machine.back_up("a");
  machine.here.catalog.set_destinations().mark_behind("home", "b", {1, 0}, "it was away");
  machine.execute(RunKind::kCopy, copy_request_of(machine, older, "b"));
  CHECK(machine.here.catalog.set_destinations().behind().size() == 1);
}

TEST_CASE("a copy that is cancelled takes back what it left at its destination") {
  WorkingMachine machine;
  const std::string id = machine.back_up("a");
  const auto run = machine.begin(RunKind::kCopy, copy_request_of(machine, id, "b"));
  const auto checkpoint = machine.here.catalog.checkpoint(run->number());
  checkpoint->begin(system_clock().now(), {});
  const auto repository = machine.here.destinations.open("b");
  store::CommitPlan plan;
  testing::set_uuid(*plan.set_roots.emplace_back().mutable_run(), run->uuid());
  REQUIRE(repository->commit(plan).committed);
  machine.work.abandon(*run);
  CHECK(repository->state()->roots_size() == 0);
  CHECK_FALSE(checkpoint->load());
}

}  // namespace
}  // namespace garner::daemon
