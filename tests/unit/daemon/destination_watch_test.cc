#include "destination_watch.h"

#include <date/date.h>

#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::PauseReason;
using catalog::RunKind;

struct WatchedMachine : QueuedMachine {
  // A run that was paused for this reason when the daemon ended. Its number.
  std::int64_t pause(RunKind kind, PauseReason reason, const StoredRequest& request) {
    catalog::RunRow paused = row(kind, request);
    paused.state = catalog::RunState::kPaused;
    paused.pause_reason = reason;
    return here.catalog.runs().add(paused);
  }
  v1::RunState look(std::int64_t number) {
    watch.look();
    return runs.get(number).state();
  }

  DestinationWatch watch{here.destinations, runs};
};

TEST_CASE("a run whose destination was full is tried again though another one is away") {
  WatchedMachine machine;
  const std::int64_t number =
      machine.pause(RunKind::kBackup, PauseReason::kDestinationFull, machine.backup_to({"a", "b"}));
  machine.runs.load();
  machine.take_away("a");
  machine.take_away("b");
  CHECK(machine.look(number) == v1::RUN_STATE_PAUSED);
  // 8 MiB are free by now that were not seen before.
  machine.bring_back("b");
  CHECK(machine.look(number) == v1::RUN_STATE_QUEUED);
}

TEST_CASE("a run that waited for room in the state folder is tried again when there is some") {
  WatchedMachine machine;
  const std::int64_t number =
      machine.pause(RunKind::kBackup, PauseReason::kStateFull, machine.backup_to({"a"}));
  machine.runs.load();
  CHECK(machine.look(number) == v1::RUN_STATE_QUEUED);
}

TEST_CASE("a restore is tried again at once with each destination that comes back, and not all the time") {
  WatchedMachine machine;
  const std::string id = machine.back_up("b");
  const std::int64_t number =
      machine.pause(RunKind::kRestore, PauseReason::kDestinationAway, machine.restore_of(id, "restored"));
  machine.runs.load();
  machine.runs.start();
  machine.take_away("a");
  machine.take_away("b");
  CHECK(machine.look(number) == v1::RUN_STATE_PAUSED);
  machine.bring_back("a");
  machine.watch.look();
  // It is at the other one.
  CHECK(machine.at_rest(number).state() == v1::RUN_STATE_PAUSED);
  CHECK(machine.at_rest(number).attempts() == 1);
  CHECK(machine.look(number) == v1::RUN_STATE_PAUSED);
  machine.take_away("a");
  machine.bring_back("b");
  machine.watch.look();
  CHECK(machine.at_rest(number).state() == v1::RUN_STATE_FINISHED);
  CHECK(machine.is_restored("restored"));
}

TEST_CASE("a destination that was away is given the newest snapshot when it is back, and nobody has to ask") {
  WatchedMachine machine;
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_destinations("a");
  edit.add_destinations("b");
  machine.here.sets.edit(edit);
  machine.take_away("b");
  const std::string id = machine.execute(RunKind::kBackup, machine.backup_to({"a", "b"})).snapshot_id();
  machine.runs.load();
  machine.runs.start();
  machine.watch.look();
  CHECK(machine.runs.active().empty());
  machine.bring_back("b");
  machine.watch.look();
  const std::vector<v1::Run> copies = machine.listed();
  REQUIRE_FALSE(copies.empty());
  CHECK(copies.front().kind() == v1::RUN_KIND_COPY);
  const auto number = std::stoll(copies.front().run_id());
  // One is enough.
  machine.watch.look();
  const v1::Run copy = machine.at_rest(number);
  CHECK(copy.state() == v1::RUN_STATE_FINISHED);
  CHECK(copy.snapshot_id() == id);
  CHECK(machine.snapshots("b") == 1);
  machine.watch.look();
  int begun = 0;
  for (const v1::Run& run : machine.listed()) begun += run.kind() == v1::RUN_KIND_COPY;
  CHECK(begun == 1);
}

// "home" goes to both, "b" has nothing of it, and of what "a" has the data is lost.
struct DamagedMachine : WatchedMachine {
  DamagedMachine() {
    back_up("a");
    v1::EditSetRequest edit;
    edit.set_name("home");
    edit.add_destinations("a");
    edit.add_destinations("b");
    here.sets.edit(edit);
    here.catalog.set_destinations().mark_behind("home", "b", {1, 0}, "it was away");
  }
  // Out of the way, or back to where it was.
  void move_data(const std::string& from, const std::string& to) {
    here.destinations.open("a")->index().for_each(
        [&](const crypto::BlobId&, const store::BlobLocation& location) {
          const std::string pack = folder.path("a/" + store::pack_key(location.pack));
          if (location.kind == crypto::BlobKind::kData && std::filesystem::exists(pack + from))
            std::filesystem::rename(pack + from, pack + to);
        });
  }
  std::vector<v1::Run> copies() {
    std::vector<v1::Run> all = listed();
    std::erase_if(all, [](const v1::Run& run) { return run.kind() != v1::RUN_KIND_COPY; });
    return all;
  }
  // As after a start of the daemon, which knows of no try.
  void look_anew() { DestinationWatch(here.destinations, runs).look(); }
};

TEST_CASE("a copy by itself that cannot be made is not begun again and again") {
  DamagedMachine machine;
  machine.move_data("", ".lost");
  machine.runs.load();
  machine.runs.start();
  machine.look_anew();
  REQUIRE(machine.copies().size() == 1);
  const v1::Run failed = machine.at_rest(std::stoll(machine.copies().front().run_id()));
  CHECK(failed.state() == v1::RUN_STATE_FAILED);
  machine.look_anew();
  CHECK(machine.copies().size() == 1);
  // Nor do scheduled backups try it; those that somebody asks for do.
  machine.move_data(".lost", "");
  const auto back_up = [&](bool scheduled) {
    const auto backup = machine.begin(RunKind::kBackup, machine.backup_to({"a", "b"}));
    backup->update([&](v1::Run& report) { report.set_scheduled(scheduled); });
    const v1::Run report = machine.execute(*backup);
    REQUIRE(report.destinations(1).destination() == "b");
    return report.destinations(1);
  };
  const v1::DestinationRun left = back_up(true);
  CHECK(left.state() == v1::DESTINATION_RUN_STATE_BEHIND);
  CHECK(left.error().find(machine.folder.path("source")) != std::string::npos);
  machine.look_anew();
  CHECK(machine.copies().size() == 1);
  CHECK(back_up(false).state() == v1::DESTINATION_RUN_STATE_DONE);
}

TEST_CASE("a run of another set that waits keeps no destination from catching up") {
  DamagedMachine machine;
  v1::AddSetRequest other;
  other.set_name("other");
  other.add_sources(machine.folder.path("source"));
  other.add_destinations("b");
  machine.here.sets.add(other);
  machine.runs.load();
  const StoredRequest request =
      backup_request(machine.here.sets.get("other"), machine.here.catalog.commands());
  const v1::Run waiting = machine.runs.add(RunKind::kBackup, "other", request);
  machine.runs.pause(std::stoll(waiting.run_id()));
  machine.look_anew();
  CHECK(machine.copies().size() == 1);
  // Of the same set one is enough.
  machine.runs.pause(std::stoll(machine.copies().front().run_id()));
  machine.look_anew();
  CHECK(machine.copies().size() == 1);
}

TEST_CASE("a disk that is plugged in is seen at once, also when its set has a server") {
  DamagedMachine machine;
  catalog::DestinationFacts cloud = machine.here.destinations.facts("a");
  cloud.name = "cloud";
  cloud.url = "sftp://nobody@127.0.0.1:1/cloud";
  cloud.repository = Uuid::random();
  machine.here.catalog.configuration().add_destination(cloud);
  v1::EditSetRequest edit;
  edit.set_name("home");
  for (const char* name : {"cloud", "a", "b"}) edit.add_destinations(name);
  machine.here.sets.edit(edit);
  machine.here.catalog.set_destinations().mark_done("home", "cloud", crypto::BlobId(), {1, 0});
  machine.take_away("b");
  machine.runs.load();
  machine.watch.look();
  CHECK(machine.copies().empty());
  machine.bring_back("b");
  machine.watch.look();
  CHECK(machine.copies().size() == 1);
}

TEST_CASE("a copy by itself waits for its set's conditions") {
  DamagedMachine machine;
  const std::string flag = machine.folder.path("flag");
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.mutable_schedule()->add_conditions("command:test -e " + flag);
  machine.here.sets.edit(edit);
  machine.runs.load();
  machine.look_anew();
  CHECK(machine.copies().empty());
  std::ofstream(flag) << "x";
  machine.look_anew();
  CHECK(machine.copies().size() == 1);
}

TEST_CASE("a copy by itself that was cancelled does not begin again at once") {
  DamagedMachine machine;
  machine.runs.load();
  machine.look_anew();
  REQUIRE(machine.copies().size() == 1);
  machine.runs.cancel(std::stoll(machine.copies().front().run_id()));
  machine.look_anew();
  CHECK(machine.copies().size() == 1);
}

TEST_CASE("a copy by itself begins in the set's window only, and not all the time when it fails") {
  WatchedMachine machine;
  const auto copies = [&] {
    int count = 0;
    for (const v1::Run& run : machine.listed()) count += run.kind() == v1::RUN_KIND_COPY;
    return count;
  };
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_destinations("a");
  edit.add_destinations("b");
  // The weekday of two days from now.
  const auto day = date::weekday(date::floor<date::days>(std::chrono::system_clock::now()) + date::days(2));
  edit.mutable_schedule()->add_windows(date::format("%a", day) + " 10:00-11:00");
  edit.mutable_schedule()->set_timezone("UTC");
  machine.here.sets.edit(edit);
  // There is no snapshot: the copy fails.
  machine.here.catalog.set_destinations().mark_behind("home", "b", {1, 0}, "it was away");
  machine.runs.load();
  machine.runs.start();
  machine.watch.look();
  CHECK(copies() == 0);
  edit.mutable_schedule()->clear_windows();
  edit.mutable_schedule()->set_no_windows(true);
  machine.here.sets.edit(edit);
  machine.watch.look();
  REQUIRE(copies() == 1);
  CHECK(machine.at_rest(std::stoll(machine.listed().front().run_id())).state() == v1::RUN_STATE_FAILED);
  machine.watch.look();
  machine.watch.look();
  CHECK(copies() == 1);
}

}  // namespace
}  // namespace garner::daemon
