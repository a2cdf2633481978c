#include "old_runs.h"

#include "base/bytes.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

bool is_there(WorkingMachine& machine, std::int64_t run) {
  return machine.here.catalog.runs().find(run).has_value();
}

struct Forgotten : WorkingMachine {
  Forgotten() {
    // The first run of all stays, and the last clean one of its set.
    back_up("a");
    gone = back_up("a");
    held = back_up("a");
    for (int i = 0; i < 2; ++i) back_up("a");
    const auto repository = here.destinations.open("a");
    store::CommitPlan plan;
    plan.removal.decided_on = repository->state()->generation();
    plan.removal.remove_snapshots = {crypto::BlobId::from_bytes(from_hex(gone))};
    REQUIRE(repository->commit(plan).committed);
    here.destinations.open("b");
  }
  std::string gone;  // the snapshot of run 2
  std::string held;  // and of run 3
};

TEST_CASE("of old backups that goes whose snapshot is gone, and then no number comes again") {
  Forgotten machine;
  CHECK(remove_old_runs(machine.here.destinations, 10) == 0);
  CHECK(remove_old_runs(machine.here.destinations, 1) == 1);
  CHECK_FALSE(is_there(machine, 2));
  for (const std::int64_t run : {1, 3, 4, 5}) CHECK(is_there(machine, run));
  CHECK(remove_old_runs(machine.here.destinations, 1) == 0);
  machine.back_up("a");
  CHECK(is_there(machine, 6));
}

TEST_CASE("while a destination is away, of which nobody knows what it has, no backup with a snapshot goes") {
  Forgotten machine;
  machine.here.destinations.close("b");
  machine.take_away("b");
  CHECK(remove_old_runs(machine.here.destinations, 1) == 0);
  machine.bring_back("b");
  machine.here.destinations.open("b");
  CHECK(remove_old_runs(machine.here.destinations, 1) == 1);
}

TEST_CASE("of runs of another kind the newest stay, those that are not over, and the last of a destination") {
  WorkingMachine machine;
  const auto add = [&](catalog::RunState state) {
    catalog::RunRow row = machine.row(catalog::RunKind::kCheck, {});
    row.number = machine.here.catalog.runs().add(row);
    row.state = state;
    machine.here.catalog.runs().change(row, [&](catalog::Database& database) {
      if (row.number == 3)
        catalog::MaintenanceTable::write_last_run(database, "a", catalog::MaintenanceKind::kCheck, 3);
    });
  };
  using catalog::RunState;
  for (const RunState state :
       {RunState::kFinished, RunState::kFinished, RunState::kFinished, RunState::kPaused, RunState::kFailed,
        RunState::kFinished, RunState::kFinished}) {
    add(state);
  }
  const auto ended = machine.here.catalog.runs().count_ended();
  CHECK(remove_old_runs(machine.here.destinations, 2) == 2);
  CHECK_FALSE(is_there(machine, 2));
  CHECK_FALSE(is_there(machine, 5));
  for (const std::int64_t run : {1, 3, 4, 6, 7}) CHECK(is_there(machine, run));
  // What monitoring systems count does not fall.
  const auto still = machine.here.catalog.runs().count_ended();
  REQUIRE(still.size() == ended.size());
  for (std::size_t i = 0; i < ended.size(); ++i) CHECK(still[i].count == ended[i].count);
}

}  // namespace
}  // namespace garner::daemon
