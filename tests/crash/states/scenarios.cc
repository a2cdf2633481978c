#include <atomic>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "destination/local.h"
#include "recorder.h"
#include "scenario.h"

namespace garner::crash {

namespace {

using catalog::RunKind;
using catalog::RunRow;

void make_machine(World& world, bool encrypted) {
  Machine machine(world.disk(), "first");
  machine.make_repository(encrypted);
}

std::string back_up(World& world, Machine& machine, const Machine::BackUp& how = {}) {
  const RunRow row = machine.begin(RunKind::kBackup);
  world.expect(row);
  machine.back_up(row, world.paths(), how);
  world.promise_listed(row.uuid.text());
  machine.finish(row);
  return row.uuid.text();
}

void add_replica(World& world) {
  Machine machine(world.disk(), "first");
  machine.make_replica();
  world.has_replica_from_now_on();
}

// So many backups, of a source that changes from one to the next, and then changes again.
void make_history(World& world, std::mt19937_64& random, int backups) {
  make_machine(world, random() % 2 == 0);
  Machine machine(world.disk(), "first");
  world.change_source(random);
  for (int number = 0; number < backups; ++number) {
    back_up(world, machine);
    world.change_source(random);
  }
}

void prepare_first_backup(World& world, std::mt19937_64& random) {
  make_machine(world, random() % 2 == 0);
  world.change_source(random);
}

void act_backup(World& world, std::mt19937_64& random) {
  Machine machine(world.disk(), "first");
  back_up(world, machine, {.threads = 1 + static_cast<unsigned>(random() % 2)});
}

void act_long_backup(World& world, std::mt19937_64&) {
  Machine machine(world.disk(), "first");
  back_up(world, machine, {.commit_blobs = 5});
}

// A backup that is stopped when so many operations have been made, and goes on from its checkpoint.
void stop_and_go_on(World& world, std::mt19937_64& random, int stops) {
  RunRow row;
  for (int number = 0; number <= stops; ++number) {
    Machine machine(world.disk(), "first");
    if (number == 0) {
      row = machine.begin(RunKind::kBackup);
      world.expect(row);
    }
    std::stop_source stop;
    std::atomic<bool> over = false;
    const std::size_t last = recorded_operations() + 10 + random() % 30;
    std::thread watch([&] {
      while (!over && recorded_operations() < last) std::this_thread::yield();
      if (number < stops) stop.request_stop();
    });
    try {
      machine.back_up(row, world.paths(), {.stop = stop.get_token()});
      over = true;
    } catch (const Error& error) {
      over = true;
      watch.join();
      if (error.kind() != ErrorKind::kCancelled) throw;
      continue;
    }
    watch.join();
    world.promise_listed(row.uuid.text());
    machine.finish(row);
    return;
  }
}

// An operation of the backup fails, and the same process goes on with it.
void act_on_failing_disk(World& world, std::mt19937_64& random) {
  Machine machine(world.disk(), "first");
  const RunRow row = machine.begin(RunKind::kBackup);
  world.expect(row);
  inject({.at = 1 + random() % 150, .error_number = EIO});
  try {
    machine.back_up(row, world.paths(), {});
    end_faults();
  } catch (const Error&) {
    end_faults();
    machine.back_up(row, world.paths(), {});
  }
  world.promise_listed(row.uuid.text());
  machine.finish(row);
}

// The steps at the same time, each on a thread. The first error is thrown.
void together(const std::vector<std::function<void()>>& all) {
  std::vector<std::exception_ptr> errors(all.size());
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < all.size(); ++number) {
    threads.emplace_back([&, number] {
      try {
        all[number]();
      } catch (...) {
        errors[number] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

void add_second_machine(World& world) {
  Machine first(world.disk(), "first");
  Machine second(world.disk(), "second");
  second.join(first);
}

void prepare_two_machines(World& world, std::mt19937_64& random) {
  prepare_first_backup(world, random);
  add_second_machine(world);
}

void act_race(World& world, std::mt19937_64&) {
  Machine first(world.disk(), "first");
  Machine second(world.disk(), "second");
  together({[&] { back_up(world, first); }, [&] { back_up(world, second); }});
}

// Which backup of the history is forgotten: the first.
void forget_and_prune(World& world, Machine& machine) {
  const std::string oldest = [&] {
    const auto state = machine.repository().state();
    return Uuid::from_bytes(as_bytes(state->snapshots(0).snapshot().run())).text();
  }();
  world.promise_nothing(oldest);
  const RunRow forget = machine.begin(RunKind::kForget, oldest);
  machine.forget(forget);
  world.promise_gone(oldest);
  machine.finish(forget);
  const RunRow prune = machine.begin(RunKind::kPrune);
  machine.prune(prune);
  machine.finish(prune);
}

void act_prune(World& world, std::mt19937_64&) {
  Machine machine(world.disk(), "first");
  forget_and_prune(world, machine);
}

void prepare_prune_beside(World& world, std::mt19937_64& random) {
  make_history(world, random, 2);
  add_second_machine(world);
}

void act_prune_beside(World& world, std::mt19937_64&) {
  Machine first(world.disk(), "first");
  Machine second(world.disk(), "second");
  together({[&] { forget_and_prune(world, first); }, [&] { back_up(world, second); }});
}

// The log is gone, or its newest record is torn.
void prepare_repair(World& world, std::mt19937_64& random) {
  make_history(world, random, 2);
  const std::string log = world.disk() + "/repository/log";
  std::vector<std::string> records = list_names(log);
  std::ranges::sort(records);
  if (random() % 2 == 0) {
    for (const std::string& record : records) remove_file(log + "/" + record);
  } else {
    std::filesystem::resize_file(log + "/" + records.back(), 100);
  }
}

// Some packs at one of two destinations are gone or damaged, and perhaps its header is.
void prepare_rescue(World& world, std::mt19937_64& random) {
  prepare_first_backup(world, random);
  add_replica(world);
  {
    Machine machine(world.disk(), "first");
    back_up(world, machine);
    world.change_source(random);
    back_up(world, machine);
  }
  const std::string repository = world.disk() + "/repository";
  std::vector<std::string> packs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(repository + "/packs")) {
    if (entry.is_regular_file()) packs.push_back(entry.path());
  }
  std::ranges::sort(packs);
  for (std::uint64_t left = 1 + random() % 2; left > 0; --left) {
    const std::string& pack = packs.at(random() % packs.size());
    if (!std::filesystem::exists(pack)) continue;
    Bytes content = read_file(pack, 1u << 30);
    const std::size_t place = random() % content.size();
    const bool is_flipped = random() % 3 == 0;
    content[place] ^= 0x20;
    if (!is_flipped) content.resize(place);
    // The file at the other destination may be this one.
    remove_file(pack);
    if (is_flipped || random() % 2 == 0) replace_file_durably(pack, content);
  }
  if (random() % 4 == 0) remove_file(repository + "/garner.repo");
}

void prepare_restore(World& world, std::mt19937_64& random) {
  make_machine(world, random() % 2 == 0);
  world.change_source(random);
  Machine machine(world.disk(), "first");
  back_up(world, machine);
}

void prepare_overwriting(World& world, std::mt19937_64& random) {
  prepare_restore(world, random);
  RunRow row;
  const std::string& run = *world.promises().listed.begin();
  row.request.assign(run.begin(), run.end());
  Machine(world.disk(), "first").restore(row, world.paths(), /*resuming=*/false);
  world.change_target(random);
}

void act_repair(World& world, std::mt19937_64&) {
  Machine machine(world.disk(), "first");
  const RunRow row = machine.begin(RunKind::kRepair);
  machine.repair(row);
  machine.finish(row);
}

void act_restore(World& world, std::mt19937_64&) {
  Machine machine(world.disk(), "first");
  const RunRow row = machine.begin(RunKind::kRestore, *world.promises().listed.begin());
  machine.restore(row, world.paths(), /*resuming=*/false, /*overwriting=*/!world.target_before().empty());
  machine.finish(row);
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  const auto history = [](int backups) {
    return [backups](World& world, std::mt19937_64& random) { make_history(world, random, backups); };
  };
  static const std::vector<Scenario> all{
      {.name = "first backup", .machines = {"first"}, .prepare = prepare_first_backup, .act = act_backup},
      {.name = "second backup", .machines = {"first"}, .prepare = history(1), .act = act_backup},
      {.name = "backup that is stopped and goes on",
       .machines = {"first"},
       .prepare = [](World& world, std::mt19937_64& random) { make_history(world, random, random() % 2); },
       .act = [](World& world, std::mt19937_64& random) { stop_and_go_on(world, random, 2); }},
      {.name = "long backup that commits as it goes",
       .machines = {"first"},
       .prepare = prepare_first_backup,
       .act = act_long_backup},
      {.name = "backup to two destinations",
       .machines = {"first"},
       .prepare =
           [](World& world, std::mt19937_64& random) {
             prepare_first_backup(world, random);
             add_replica(world);
             if (random() % 2 == 0) return;
             Machine machine(world.disk(), "first");
             back_up(world, machine);
             world.change_source(random);
           },
       .act = act_backup},
      {.name = "long backup to two destinations",
       .machines = {"first"},
       .prepare =
           [](World& world, std::mt19937_64& random) {
             prepare_first_backup(world, random);
             add_replica(world);
           },
       .act = act_long_backup},
      // The second one knows nothing of the first one's history: it is filled.
      {.name = "backup to one destination that fills another",
       .machines = {"first"},
       .prepare =
           [](World& world, std::mt19937_64& random) {
             make_history(world, random, 1 + random() % 2);
             add_replica(world);
           },
       .act =
           [](World& world, std::mt19937_64& random) {
             if (random() % 2 == 0) {
               act_backup(world, random);
             } else {
               act_long_backup(world, random);
             }
           }},
      {.name = "disk that fails once",
       .machines = {"first"},
       .prepare = history(1),
       .act = act_on_failing_disk},
      {.name = "two machines commit at once",
       .machines = {"first", "second"},
       .prepare = prepare_two_machines,
       .act = act_race},
      {.name = "forget and prune", .machines = {"first"}, .prepare = history(3), .act = act_prune},
      {.name = "prune beside a backup",
       .machines = {"first", "second"},
       .prepare = prepare_prune_beside,
       .act = act_prune_beside,
       .may_begin_anew = true},
      {.name = "repair",
       .machines = {"first"},
       .prepare = prepare_repair,
       .act = act_repair,
       .needs_repair = true},
      {.name = "repair of damaged packs",
       .machines = {"first"},
       .prepare = prepare_rescue,
       .act = act_repair,
       .needs_repair = true},
      {.name = "restore", .machines = {"first"}, .prepare = prepare_restore, .act = act_restore},
      {.name = "overwriting restore",
       .machines = {"first"},
       .prepare = prepare_overwriting,
       .act = act_restore},
  };
  return all;
}

}  // namespace garner::crash
