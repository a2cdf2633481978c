// Backups to several destinations.
#include <chrono>
#include <fstream>
#include <thread>

#include "run_work.h"
#include "snapshot/closure.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

// "home" goes to both.
struct BothDisks : WorkingMachine {
  BothDisks() {
    v1::EditSetRequest edit;
    edit.set_name("home");
    edit.add_destinations("a");
    edit.add_destinations("b");
    here.sets.edit(edit);
  }
  void change(const std::string& content) {
    std::ofstream(folder.path("source/" + std::to_string(++files_))) << content;
    // So that the next scan is safely later, and what it sees need not be read again (source/change.h).
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
  }
  void supply(const std::string& from, bool both_ways = false) {
    v1::EditSetRequest edit;
    edit.set_name("home");
    edit.mutable_supply()->set_from(from);
    edit.mutable_supply()->set_both_ways(both_ways);
    here.sets.edit(edit);
  }
  v1::Run back_up_to(const std::string& destination) {
    return execute(RunKind::kBackup, backup_to({destination}));
  }
  std::unique_ptr<ActiveRun> begin_backup() { return begin(RunKind::kBackup, backup_to({"a", "b"})); }
  v1::Run back_up() { return execute(*begin_backup()); }
  bool has(const std::string& destination, const std::string& id) {
    const auto repository = here.destinations.open(destination);
    const auto state = repository->state();
    const auto* entry = store::find_snapshot(*state, crypto::BlobId::from_bytes(from_hex(id)).view());
    return entry != nullptr && snapshot::Completeness(*repository, {}).is_complete(entry->snapshot());
  }
  std::vector<std::string> behind() {
    std::vector<std::string> names;
    for (const auto& one : here.catalog.set_destinations().behind()) names.push_back(one.destination);
    return names;
  }
  const v1::DestinationRun& part(const v1::Run& run, const std::string& name) {
    for (const v1::DestinationRun& one : run.destinations()) {
      if (one.destination() == name) return one;
    }
    FAIL("the run says nothing of " << name);
    return v1::DestinationRun::default_instance();
  }

 private:
  int files_ = 0;
};

TEST_CASE("one read serves all destinations: one snapshot with one id") {
  BothDisks machine;
  machine.change(std::string(100'000, 'x'));
  const auto run = machine.begin_backup();
  CHECK_FALSE(machine.work.follow_up(*run));
  const v1::Run report = machine.execute(*run);
  CHECK(report.read_bytes() == report.source_bytes());
  CHECK_FALSE(report.incomplete());
  for (const char* name : {"a", "b"}) {
    INFO(name);
    CHECK(machine.has(name, report.snapshot_id()));
    const v1::DestinationRun& part = machine.part(report, name);
    CHECK(part.state() == v1::DESTINATION_RUN_STATE_DONE);
    CHECK(part.snapshot_id() == report.snapshot_id());
    CHECK(part.error().empty());
    CHECK(part.new_bytes() == report.source_bytes());
    CHECK(part.stored_bytes() > 0);
  }
  // Both were fed: nobody was given anything by the other.
  CHECK(report.supplied_bytes() == 0);
  CHECK(machine.part(report, "b").supplied_from_size() == 0);
  CHECK(report.new_bytes() == report.source_bytes());
  CHECK(report.stored_bytes() ==
        machine.part(report, "a").stored_bytes() + machine.part(report, "b").stored_bytes());
  CHECK(machine.behind().empty());
  // The forget after it goes where the snapshot is.
  const auto next = machine.work.follow_up(*run);
  REQUIRE(next);
  CHECK(next->destinations == std::vector<std::string>{"a", "b"});

  // Nothing has changed: a record each.
  const std::uint64_t generation = machine.here.destinations.open("b")->state()->generation();
  const v1::Run again = machine.back_up();
  CHECK(machine.has("b", again.snapshot_id()));
  CHECK(machine.here.destinations.open("b")->state()->generation() == generation + 1);
  CHECK(again.read_bytes() == 0);
}

TEST_CASE("one that is away is left behind, and the next backup gives it what it lacks") {
  BothDisks machine;
  machine.back_up();
  machine.take_away("a");
  machine.change("while it was away");
  const v1::Run without = machine.back_up();
  CHECK(machine.has("b", without.snapshot_id()));
  CHECK(without.incomplete());
  CHECK(machine.part(without, "a").state() == v1::DESTINATION_RUN_STATE_BEHIND);
  CHECK(machine.part(without, "a").snapshot_id().empty());
  CHECK(machine.part(without, "a").error().find("a") != std::string::npos);
  CHECK(machine.behind() == std::vector<std::string>{"a"});

  machine.bring_back("a");
  const std::string content(50'000, 'y');
  machine.change(content);
  const v1::Run both = machine.back_up();
  CHECK_FALSE(both.incomplete());
  CHECK(machine.behind().empty());
  CHECK(machine.has("a", both.snapshot_id()));
  CHECK(machine.has("b", both.snapshot_id()));
  // "b" was read for: what changed while "a" was away came from there.
  CHECK(both.read_bytes() == content.size());
  CHECK(machine.part(both, "a").supplied_from_size() == 1);
  // Only the newest is made up for.
  CHECK_FALSE(machine.has("a", without.snapshot_id()));
}

TEST_CASE("none there: the run waits, and says so of each") {
  BothDisks machine;
  machine.take_away("a");
  machine.take_away("b");
  const auto run = machine.begin_backup();
  CHECK(kind_of([&] { machine.work.execute(*run, run->begin_attempt()); }) == ErrorKind::kDestinationAway);
  CHECK(run->message().destinations_size() == 2);
  machine.bring_back("b");
  const v1::Run report = machine.execute(*run);
  CHECK(machine.has("b", report.snapshot_id()));
  CHECK(report.incomplete());
}

TEST_CASE("a run that was cut off after its snapshot was made gives it to the others, and reads nothing") {
  BothDisks machine;
  machine.change(std::string(100'000, 'x'));
  const auto run = machine.begin_backup();
  const std::string id = [&] {
    // As it was killed between the first record and everything that follows.
    StoredRequest first = machine.backup_to({"a"});
    catalog::RunRow row = run->row();
    row.request = encode(first);
    ActiveRun killed(row, first, {}, 0);
    machine.work.execute(killed, killed.begin_attempt());
    return killed.message().snapshot_id();
  }();
  machine.change("after it");
  const v1::Run report = machine.execute(*run);
  CHECK(report.snapshot_id() == id);
  CHECK(machine.has("a", id));
  CHECK(machine.has("b", id));
  CHECK(machine.snapshots("a") == 1);
  CHECK(report.files() == 2);
  CHECK_FALSE(report.incomplete());
}

// As the daemon finds it when it was killed after the snapshot was made, and noted in the run's report.
std::unique_ptr<ActiveRun> killed_after_it_was_made(BothDisks& machine) {
  const auto run = machine.begin_backup();
  StoredRequest only_a = machine.backup_to({"a"});
  ActiveRun first(run->row(), only_a, {}, 0);
  machine.work.execute(first, first.begin_attempt());
  const catalog::RunRow row = *machine.here.catalog.runs().find(run->number());
  return std::make_unique<ActiveRun>(row, machine.backup_to({"a", "b"}), std::vector<catalog::RunErrorRow>{},
                                     0);
}

TEST_CASE("a run that is known to have made its snapshot fills, whatever checkpoint is there") {
  BothDisks machine;
  machine.change(std::string(100'000, 'x'));
  const auto run = killed_after_it_was_made(machine);
  const std::string id = run->message().snapshot_id();
  REQUIRE_FALSE(id.empty());
  // Nothing is read: it is not even there.
  std::filesystem::remove_all(machine.folder.path("source"));
  const auto checkpoint = machine.here.catalog.checkpoint(run->number());
  SECTION("none") {}
  SECTION("the backup's") { checkpoint->begin(system_clock().now(), {{0, {}}, {1, {}}}); }
  SECTION("the fill's") { checkpoint->begin(system_clock().now(), {{1, {}}}); }
  const v1::Run report = machine.execute(*run);
  CHECK(report.snapshot_id() == id);
  CHECK(machine.has("b", id));
  CHECK(machine.part(report, "a").state() == v1::DESTINATION_RUN_STATE_DONE);
  CHECK(machine.part(report, "b").supplied_bytes() > 100'000);
  CHECK(report.files() == 2);
  CHECK_FALSE(report.incomplete());
  CHECK_FALSE(checkpoint->load());
}

TEST_CASE("a run that is cancelled between its snapshot and the fills leaves no root") {
  BothDisks machine;
  const auto run = killed_after_it_was_made(machine);
  // "b" has left the feed late.
  const auto repository = machine.here.destinations.open("b");
  store::CommitPlan plan;
  testing::set_uuid(*plan.set_roots.emplace_back().mutable_run(), run->uuid());
  REQUIRE(repository->commit(plan).committed);
  REQUIRE_FALSE(machine.here.catalog.checkpoint(run->number())->load());
  machine.work.abandon(*run);
  CHECK(repository->state()->roots_size() == 0);
  CHECK(machine.has("a", run->message().snapshot_id()));
  // Nothing is said of one that is away, and has perhaps nothing.
  machine.take_away("b");
  machine.work.abandon(*run);
}

TEST_CASE("a run whose snapshot is only where nobody is any more ends, and the others are behind") {
  BothDisks machine;
  const auto run = killed_after_it_was_made(machine);
  machine.take_away("a");
  SECTION("the other one is there") {
    const v1::Run report = machine.execute(*run);
    CHECK(machine.part(report, "a").state() == v1::DESTINATION_RUN_STATE_DONE);
    CHECK(machine.part(report, "b").state() == v1::DESTINATION_RUN_STATE_BEHIND);
    CHECK_FALSE(machine.part(report, "b").error().empty());
    CHECK(report.incomplete());
    CHECK(machine.snapshots("b") == 0);
    CHECK(machine.behind() == std::vector<std::string>{"b"});
  }
  SECTION("none is there") {
    machine.take_away("b");
    const v1::Run report = machine.execute(*run);
    CHECK(machine.part(report, "b").state() == v1::DESTINATION_RUN_STATE_BEHIND);
    CHECK(report.incomplete());
  }
}

TEST_CASE("a backup that makes way while it fills ends, and a copy does the rest") {
  BothDisks machine;
  machine.change(std::string(100'000, 'x'));
  const auto run = killed_after_it_was_made(machine);
  const std::stop_token stop = run->begin_attempt();
  run->stop(StopWish::kMakeWay);
  machine.work.execute(*run, stop);
  const v1::Run report = run->message();
  CHECK(machine.part(report, "a").state() == v1::DESTINATION_RUN_STATE_DONE);
  CHECK(machine.part(report, "b").state() == v1::DESTINATION_RUN_STATE_BEHIND);
  CHECK(report.incomplete());
  CHECK(machine.snapshots("b") == 0);
  CHECK(machine.behind() == std::vector<std::string>{"b"});
  CHECK_FALSE(machine.here.catalog.checkpoint(run->number())->load());
  catalog::RunRow over = run->row();
  over.state = catalog::RunState::kFinished;
  machine.here.catalog.runs().change(over);

  const std::vector<StoredRequest> copies = machine.work.copies_after(*run);
  REQUIRE(copies.size() == 1);
  CHECK(copies[0].by_itself);
  CHECK(copies[0].destinations == std::vector<std::string>{"b"});
  // Until that is done the set's backups carry nothing there.
  const auto copy = machine.begin(RunKind::kCopy, copies[0]);
  const auto next = machine.begin_backup();
  const v1::Run without = machine.execute(*next);
  CHECK(machine.part(without, "b").state() == v1::DESTINATION_RUN_STATE_BEHIND);
  CHECK(without.supplied_bytes() == 0);
  CHECK(machine.work.copies_after(*next).empty());
  machine.execute(*copy);
  CHECK(machine.has("b", without.snapshot_id()));
  CHECK(machine.behind().empty());
  CHECK(machine.here.destinations.open("b")->state()->roots_size() == 0);
}

TEST_CASE("a run whose destination went away goes on with another one, and leaves the first behind") {
  BothDisks machine;
  const auto run = machine.begin_backup();
  const auto checkpoint = machine.here.catalog.checkpoint(run->number());
  checkpoint->begin(system_clock().now(), {{0, {}}});
  const auto repository = machine.here.destinations.open("a");
  store::CommitPlan plan;
  testing::set_uuid(*plan.set_roots.emplace_back().mutable_run(), run->uuid());
  REQUIRE(repository->commit(plan).committed);
  SECTION("while it is there it is the one") {
    const v1::Run report = machine.execute(*run);
    CHECK(machine.part(report, "a").supplied_bytes() == 0);
    CHECK(machine.part(report, "b").supplied_bytes() > 0);
    CHECK(machine.has("b", report.snapshot_id()));
  }
  SECTION("else the other") {
    machine.take_away("a");
    const v1::Run report = machine.execute(*run);
    CHECK(machine.has("b", report.snapshot_id()));
    CHECK(machine.behind() == std::vector<std::string>{"a"});
    machine.bring_back("a");
    // What it had left there goes with the next snapshot that is given to it.
    const v1::Run next = machine.back_up();
    CHECK(machine.has("a", next.snapshot_id()));
  }
  CHECK(machine.here.destinations.open("a")->state()->roots_size() == 0);
}

TEST_CASE("a snapshot is numbered above what any of its destinations knows") {
  BothDisks machine;
  for (int i = 0; i < 3; ++i) machine.execute(RunKind::kBackup, machine.backup_to({"b"}));
  const v1::Run report = machine.back_up();
  const auto state = machine.here.destinations.open("a")->state();
  REQUIRE(state->snapshots_size() == 1);
  CHECK(state->snapshots(0).snapshot().sequence() == 4);
  CHECK(machine.has("b", report.snapshot_id()));
}

TEST_CASE("what nobody can give leaves that destination behind, and names the files") {
  BothDisks machine;
  machine.change(std::string(100'000, 'x'));
  const v1::Run first = machine.execute(RunKind::kBackup, machine.backup_to({"a"}));
  const auto repository = machine.here.destinations.open("a");
  // The data is lost at "a", which does not know, and "b" has never had it.
  repository->index().for_each([&](const crypto::BlobId&, const store::BlobLocation& location) {
    if (location.kind == crypto::BlobKind::kData)
      std::filesystem::remove(machine.folder.path("a/" + store::pack_key(location.pack)));
  });
  const v1::Run report = machine.back_up();
  CHECK(machine.part(report, "a").state() == v1::DESTINATION_RUN_STATE_DONE);
  const v1::DestinationRun& part = machine.part(report, "b");
  CHECK(part.state() == v1::DESTINATION_RUN_STATE_BEHIND);
  CHECK(part.error().find(machine.folder.path("source")) != std::string::npos);
  CHECK(report.incomplete());
  CHECK(machine.behind() == std::vector<std::string>{"b"});
  CHECK(machine.snapshots("b") == 0);
}

// "a" has all but the last of the source's files, and "b" has nothing.
struct OneIsAhead : BothDisks {
  OneIsAhead() {
    change(std::string(100'000, 'x'));
    CHECK(back_up_to("a").supplied_bytes() == 0);
    change(last);
  }
  const std::string last = std::string(50'000, 'y');
};

TEST_CASE("what the set's supplier has is not read for another destination") {
  OneIsAhead machine;
  // The rule holds as it is when the run goes on.
  const auto run = machine.begin(RunKind::kBackup, machine.backup_to({"b"}));
  SECTION("from one of them") { machine.supply("a"); }
  SECTION("both ways") { machine.supply("", /*both_ways=*/true); }
  const v1::Run report = machine.execute(*run);
  CHECK(report.read_bytes() == machine.last.size());
  CHECK(report.source_bytes() > 150'000);
  CHECK_FALSE(report.incomplete());
  CHECK(machine.has("b", report.snapshot_id()));
  const v1::DestinationRun& part = machine.part(report, "b");
  CHECK(part.new_bytes() == report.source_bytes());
  CHECK(part.supplied_bytes() > 100'000);
  CHECK(report.supplied_bytes() == part.supplied_bytes());
  CHECK(report.stored_bytes() == part.stored_bytes());
  REQUIRE(part.supplied_from_size() == 1);
  CHECK(part.supplied_from(0) == "a");
  CHECK(report.destinations_size() == 1);
  CHECK(machine.snapshots("a") == 1);

  // Nothing has changed since: nothing is read, and nothing is to be given.
  const v1::Run again = machine.back_up_to("b");
  CHECK(again.read_bytes() == 0);
  CHECK(machine.part(again, "b").supplied_bytes() == 0);
  CHECK(machine.part(again, "b").supplied_from_size() == 0);
}

TEST_CASE("a destination is supplied by none that the set does not name") {
  OneIsAhead machine;
  SECTION("no rule") {}
  SECTION("it is the supplier itself") { machine.supply("b"); }
  SECTION("the rule was taken away") {
    machine.supply("a");
    machine.supply("");
  }
  SECTION("the supplier is away") {
    machine.supply("a");
    machine.take_away("a");
  }
  const v1::Run report = machine.back_up_to("b");
  CHECK(report.read_bytes() == report.source_bytes());
  CHECK(report.supplied_bytes() == 0);
  CHECK_FALSE(report.incomplete());
  CHECK(machine.part(report, "b").supplied_from_size() == 0);
  CHECK(machine.has("b", report.snapshot_id()));
}

TEST_CASE("one that supplies the others has what they alone have read again, unless supply goes both ways") {
  OneIsAhead machine;
  machine.supply("a");
  machine.back_up_to("b");
  SECTION("from it alone") {
    const v1::Run report = machine.back_up_to("a");
    CHECK(report.read_bytes() == machine.last.size());
    CHECK(report.supplied_bytes() == 0);
    CHECK(machine.has("a", report.snapshot_id()));
  }
  SECTION("both ways") {
    machine.supply("", /*both_ways=*/true);
    const v1::Run report = machine.back_up_to("a");
    CHECK(report.read_bytes() == 0);
    CHECK(report.supplied_bytes() >= machine.last.size());
    REQUIRE(machine.part(report, "a").supplied_from_size() == 1);
    CHECK(machine.part(report, "a").supplied_from(0) == "b");
    CHECK(machine.has("a", report.snapshot_id()));
  }
}

}  // namespace
}  // namespace garner::daemon
