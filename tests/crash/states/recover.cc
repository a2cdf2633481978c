#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "image.h"
#include "scenario.h"

namespace garner::crash {

namespace {

using catalog::RunKind;
using catalog::RunRow;

class Recovery {
 public:
  Recovery(World& world, const Scenario& scenario, const World::Promises& promises, std::mt19937_64& random)
      : world_(world), scenario_(scenario), promises_(promises), random_(random) {}

  void run() {
    if (!world_.target_before().empty()) check_overwritten();
    std::vector<std::string> order = scenario_.machines;
    if (random_() % 2 == 0) std::ranges::reverse(order);
    std::optional<Machine> machine;
    for (const std::string& name : order) {
      step("starting " + name + " again");
      machine.emplace(world_.disk(), name);
      if (const auto& rebuilt = machine->catalog().rebuilt()) {
        throw Failure{"the catalog was made anew: " + rebuilt->reason + ", " + rebuilt->detail};
      }
      go_on(*machine);
    }
    // What is looked at comes from the disk. The catalog of the one that went on is opened anew now and then.
    const std::string& first = scenario_.machines.front();
    if (order.back() != first || random_() % 4 == 0) machine.emplace(world_.disk(), first);
    machine->close_repositories();
    for (const std::string& destination : machine->destinations()) {
      machine->look_at(destination);
      check_snapshots(*machine);
      check_repository(*machine);
    }
    check_spool(*machine);
    check_restored(*machine);
    if (random_() % 4 == 0) back_up_again(*machine);
    machine.reset();
    if (random_() % 8 == 0) lose_cache();
  }

  const std::string& doing() const { return doing_; }

 private:
  void step(std::string doing) { doing_ = std::move(doing); }

  void go_on(Machine& machine) {
    const std::vector<RunRow> unfinished = machine.unfinished();
    if (scenario_.needs_repair && machine.catalog().runs().list_kind(RunKind::kRepair, 1).empty()) {
      step("repairing");
      const RunRow row = machine.begin(RunKind::kRepair);
      machine.repair(row);
      machine.finish(row);
    }
    for (const RunRow& row : unfinished) {
      go_on(machine, row);
      finished_.insert(row.uuid.text());
      machine.finish(row);
    }
    machine.repository();
  }

  void go_on(Machine& machine, const RunRow& row) {
    switch (row.kind) {
      case RunKind::kBackup:
        step("going on with a backup");
        if (machine.back_up(row, world_.paths(), {}) && !scenario_.may_begin_anew) {
          throw Failure{"the backup gave up its checkpoint"};
        }
        return;
      case RunKind::kForget:
        step("going on with a forget");
        return machine.forget(row);
      case RunKind::kPrune:
        step("going on with a prune");
        return machine.prune(row);
      case RunKind::kRepair:
        step("going on with a repair");
        return machine.repair(row);
      case RunKind::kRestore:
        step("going on with a restore");
        return machine.restore(row, world_.paths(), /*resuming=*/true,
                               /*overwriting=*/!world_.target_before().empty());
      case RunKind::kCheck:
      case RunKind::kCopy:
        return;
    }
  }

  void check_snapshots(Machine& machine) {
    step("comparing snapshots");
    std::set<std::string> listed;
    const auto state = machine.repository().state();
    for (const store::v1::SnapshotEntry& entry : state->snapshots()) {
      const std::string run = Uuid::from_bytes(as_bytes(entry.snapshot().run())).text();
      if (!listed.insert(run).second) throw Failure{"two snapshots of run " + run};
      // It is one, wherever it is.
      if (ids_.try_emplace(run, entry.id()).first->second != entry.id())
        throw Failure{"run " + run + " has a snapshot at each destination"};
      compare(machine, run);
    }
    const bool is_replica = machine.destination() != machine.destinations().front();
    for (const std::string& run : promises_.listed) {
      if (is_replica && world_.is_older_than_replica(run)) continue;
      if (!listed.contains(run)) throw Failure{"the snapshot of run " + run + " is lost"};
    }
    for (const std::string& run : promises_.gone) {
      if (listed.contains(run)) throw Failure{"the snapshot of run " + run + " was forgotten, and is back"};
    }
    for (const std::string& run : finished_) {
      if (world_.tree_of(run) != nullptr && !promises_.gone.contains(run) && !listed.contains(run)) {
        throw Failure{"run " + run + " has gone on and finished, and there is no snapshot of it"};
      }
    }
  }

  void compare(Machine& machine, const std::string& run) {
    const std::string* const tree = world_.tree_of(run);
    if (tree == nullptr) throw Failure{"a snapshot of a run that nobody began: " + run};
    RunRow row;
    row.request.assign(run.begin(), run.end());
    machine.restore(row, {world_.paths().source, world_.check_folder()}, /*resuming=*/false);
    const std::string restored = describe_tree(world_.check_folder());
    remove_tree(world_.check_folder());
    if (restored != *tree) {
      throw Failure{"the snapshot of run " + run + " restores to\n" + restored + "instead of\n" + *tree};
    }
  }

  void check_repository(Machine& machine) {
    step("checking the repository");
    for (const std::string& problem : machine.check()) throw Failure{"check found: " + problem};
    // What a run that is over left in staging would never go.
    check_leftovers(world_.disk() + "/" + machine.destination() + "/.staging");
  }

  void check_spool(Machine& machine) {
    step("looking into the spool");
    check_leftovers(world_.disk() + "/" + machine.name() + "/spool");
  }

  void check_leftovers(const std::string& folder) {
    for (const std::string& name : list_names(folder)) {
      for (const std::string& run : finished_) {
        if (name.starts_with(run)) throw Failure{"a run that is over left " + folder + "/" + name};
      }
    }
  }

  // What is overwritten is there in its old version or its new one.
  void check_overwritten() {
    step("looking into the target");
    const std::map<std::string, std::string> source = contents_of(world_.paths().source);
    const std::map<std::string, std::string> target = contents_of(world_.paths().target);
    for (const auto& [path, before] : world_.target_before()) {
      const auto found = target.find(path);
      if (found == target.end()) throw Failure{path + " is gone from the target"};
      if (found->second != before && found->second != source.at(path))
        throw Failure{path + " holds neither what it held nor what is restored"};
    }
  }

  void check_restored(Machine& machine) {
    if (machine.catalog().runs().list_kind(RunKind::kRestore, 1).empty()) return;
    step("comparing the target");
    const std::string restored = describe_tree(world_.paths().target);
    if (restored != world_.source_tree()) {
      throw Failure{"the target holds\n" + restored + "instead of\n" + world_.source_tree()};
    }
  }

  void back_up_again(Machine& machine) {
    step("backing up again");
    const RunRow row = machine.begin(RunKind::kBackup);
    world_.expect(row);
    machine.back_up(row, world_.paths(), {});
    machine.finish(row);
    for (const std::string& destination : machine.destinations()) {
      machine.look_at(destination);
      compare(machine, row.uuid.text());
      for (const std::string& problem : machine.check()) throw Failure{"check found: " + problem};
    }
  }

  void lose_cache() {
    step("opening without a cache");
    const std::string& name = scenario_.machines.front();
    remove_tree(world_.disk() + "/" + name + "/cache");
    Machine machine(world_.disk(), name);
    for (const std::string& destination : machine.destinations()) {
      machine.look_at(destination);
      for (const std::string& problem : machine.check()) throw Failure{"check found: " + problem};
    }
  }

  World& world_;
  const Scenario& scenario_;
  const World::Promises& promises_;
  std::mt19937_64& random_;
  std::string doing_;
  std::set<std::string> finished_;          // runs that went on here
  std::map<std::string, std::string> ids_;  // of snapshots, by run
};

}  // namespace

void recover(World& world, const Scenario& scenario, const World::Promises& promises,
             std::mt19937_64& random) {
  Recovery recovery(world, scenario, promises, random);
  try {
    recovery.run();
  } catch (const Failure& failure) {
    throw Failure{recovery.doing() + ": " + failure.what};
  } catch (const Error& error) {
    throw Failure{recovery.doing() + ": " + std::string(to_string(error.kind())) + ": " + error.what()};
  } catch (const std::exception& error) {
    throw Failure{recovery.doing() + ": " + error.what()};
  }
}

}  // namespace garner::crash
