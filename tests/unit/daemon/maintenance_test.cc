// Prunes and checks of destinations by themselves.
#include "maintenance_scheduler.h"

#include <atomic>
#include <random>
#include <thread>

#include "check_rotation.h"
#include "destination_edit.h"
#include "installation.h"
#include "maintenance_facts.h"
#include "maintenance_message.h"
#include "run_message.h"
#include "support/eventually.h"

namespace garner::daemon {
namespace {

using namespace std::chrono_literals;
using schedule::Instant;
using schedule::Reading;

// Each look at it is a nanosecond later than the one before, so that times tell what came first.
class WallClock final : public Clock {
 public:
  explicit WallClock(const Reading& reading) : reading_(reading) {}
  TimePoint now() const override { return shifted(schedule::to_time_point(reading_.wall), ++looks_); }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(reading_.awake);
  }

 private:
  const Reading& reading_;
  mutable std::atomic<std::int64_t> looks_ = 0;
};

// A machine with a destination, and clocks that the test turns. Runs are queued and never begin, unless the
// test starts them.
struct MaintainedMachine {
  MaintainedMachine() : here(folder.path("state")), work(here.destinations, Settings{}) {
    here.add("disk", folder.path("disk"));
    restart();
  }

  void restart() {
    scheduler.reset();
    runs.reset();
    runs = std::make_unique<RunQueue>(here.catalog, work, clock, [] {});
    runs->load();
    scheduler = std::make_unique<MaintenanceScheduler>(here.destinations, *runs, 60s, [this] { return now; });
  }
  void pass(schedule::Duration time) {
    now.wall += time;
    now.boot += time;
    now.awake += time;
  }
  // The power fails, and comes back after so long.
  void lose_power(schedule::Duration time) {
    now.wall += time;
    now.boot = now.awake = 10s;
    now.boot_id += "'";
    restart();
  }
  std::vector<v1::Run> look() {
    pause = scheduler->look();
    return runs->active();
  }
  void end(const v1::Run& run) { runs->cancel(parse_run_number(run.run_id())); }
  void edit(const std::function<void(v1::MaintenanceChange&)>& change) {
    v1::EditDestinationRequest request;
    request.set_name("disk");
    change(*request.mutable_maintenance());
    edit_destination(here.destinations, request);
  }
  v1::MaintenanceStatus describe() {
    MaintenanceFacts facts(here.destinations, *scheduler);
    v1::Destination message;
    message.set_name("disk");
    facts.describe(message);
    return message.maintenance();
  }

  testing::TemporaryFolder folder;
  Installation here;
  RunWork work;
  // 2026-06-01, a Monday, 00:00 UTC.
  Reading now{Instant(1'780'272'000s), 1h, 1h, "first"};
  WallClock clock{now};
  std::unique_ptr<RunQueue> runs;
  std::unique_ptr<MaintenanceScheduler> scheduler;
  std::chrono::milliseconds pause{0};
};

std::size_t count(const std::vector<v1::Run>& runs, v1::RunKind kind) {
  return static_cast<std::size_t>(
      std::count_if(runs.begin(), runs.end(), [&](const v1::Run& run) { return run.kind() == kind; }));
}

TEST_CASE("a destination is checked daily and pruned weekly with nobody asking, each once") {
  MaintainedMachine machine;
  CHECK(machine.look().empty());
  std::size_t checks = 0;
  std::size_t prunes = 0;
  // Noon of the 15th: the midnights of the 2nd to the 15th, each put off by up to four hours.
  for (int i = 0; i < 14 * 24 + 12; ++i) {
    machine.pass(1h);
    for (const v1::Run& run : machine.look()) {
      CHECK(run.scheduled());
      REQUIRE(run.destinations_size() == 1);
      CHECK(run.destinations(0).destination() == "disk");
      checks += run.kind() == v1::RUN_KIND_CHECK;
      prunes += run.kind() == v1::RUN_KIND_PRUNE;
      machine.end(run);
    }
  }
  CHECK(checks == 14);
  CHECK(prunes == 2);
  CHECK(machine.describe().has_next_prune());
  CHECK(machine.describe().has_next_check());
}

TEST_CASE("what was missed is made up once, when the machine has settled, and a crash doubles nothing") {
  MaintainedMachine machine;
  machine.look();
  machine.lose_power(20 * 24h);
  CHECK(machine.look().empty());
  CHECK(machine.describe().check_waits_for() == "the machine to settle after its start");
  machine.pass(1min);
  const auto made_up = machine.look();
  CHECK(count(made_up, v1::RUN_KIND_CHECK) == 1);
  CHECK(count(made_up, v1::RUN_KIND_PRUNE) == 1);
  machine.restart();
  machine.pass(2min);
  CHECK(machine.look().size() == 2);
  // The next one of a kind waits for the one that is there.
  machine.pass(8 * 24h);
  CHECK(machine.look().size() == 2);
  CHECK(machine.describe().prune_waits_for().starts_with("run "));
  for (const v1::Run& run : machine.runs->active()) machine.end(run);
  CHECK(machine.look().size() == 2);
}

TEST_CASE("a check that somebody began keeps the scheduled one waiting, at that destination only") {
  MaintainedMachine machine;
  machine.here.add("other", machine.folder.path("other"));
  machine.look();
  StoredRequest request;
  request.destinations = {"disk"};
  const v1::Run by_hand = machine.runs->add(catalog::RunKind::kCheck, "", request);
  machine.pass(36h);
  CHECK(count(machine.look(), v1::RUN_KIND_CHECK) == 2);
  CHECK(machine.describe().check_waits_for() == "run " + by_hand.run_id() + " to end");
  machine.end(by_hand);
  CHECK(count(machine.look(), v1::RUN_KIND_CHECK) == 2);
  CHECK(machine.describe().check_waits_for().empty());
}

TEST_CASE("schedules can be changed and turned off, and what cannot be is refused") {
  MaintainedMachine machine;
  machine.edit([](v1::MaintenanceChange& change) {
    change.set_prune_schedule("");
    change.set_check_schedule("every 6h");
    change.set_check_period_seconds(7 * 86400);
  });
  machine.look();
  machine.pass(7h);
  CHECK(count(machine.look(), v1::RUN_KIND_CHECK) == 1);
  for (const v1::Run& run : machine.runs->active()) machine.end(run);
  machine.edit([](v1::MaintenanceChange& change) { change.set_check_schedule(""); });
  machine.pass(30 * 24h);
  CHECK(machine.look().empty());
  const v1::MaintenanceStatus status = machine.describe();
  CHECK(status.settings().check_period_seconds() == 7 * 86400);
  CHECK_FALSE(status.has_next_prune());
  CHECK_FALSE(status.has_next_check());
  const auto refused = [&](const std::function<void(v1::MaintenanceChange&)>& change) {
    return kind_of([&] { machine.edit(change); });
  };
  CHECK(refused([](auto& change) { change.set_prune_schedule("25:00"); }) == ErrorKind::kInvalidInput);
  CHECK(refused([](auto& change) { change.set_check_schedule("2001-01-01"); }) == ErrorKind::kInvalidInput);
  CHECK(refused([](auto& change) { change.set_check_period_seconds(59); }) == ErrorKind::kInvalidInput);
  CHECK(machine.describe().settings().SerializeAsString() == status.settings().SerializeAsString());
}

TEST_CASE("a destination that is away keeps its maintenance waiting, and gets it when it is back") {
  MaintainedMachine machine;
  machine.look();
  std::filesystem::rename(machine.folder.path("disk"), machine.folder.path("unplugged"));
  machine.pass(2 * 24h);
  CHECK(machine.look().empty());
  CHECK(machine.describe().check_waits_for() == "the destination to be there");
  CHECK(machine.pause <= 1min);
  std::filesystem::rename(machine.folder.path("unplugged"), machine.folder.path("disk"));
  machine.pass(1min);
  CHECK(count(machine.look(), v1::RUN_KIND_CHECK) == 1);
  CHECK(machine.describe().check_waits_for().empty());
}

TEST_CASE("a machine that may only add checks, and leaves pruning to the one that made the repository") {
  MaintainedMachine machine;
  Installation other(machine.folder.path("other-state"));
  const auto made = other.add("disk", machine.folder.path("shared"));
  machine.here.add("shared", machine.folder.path("shared"), with_recovery_key(made.recovery_key()));
  machine.look();
  machine.pass(9 * 24h);
  std::size_t prunes = 0;
  for (const v1::Run& run : machine.look()) {
    prunes += run.kind() == v1::RUN_KIND_PRUNE;
    if (run.kind() == v1::RUN_KIND_PRUNE) CHECK(run.destinations(0).destination() == "disk");
  }
  CHECK(prunes == 1);
  MaintenanceFacts facts(machine.here.destinations, *machine.scheduler);
  v1::Destination message;
  message.set_name("shared");
  facts.describe(message);
  CHECK(message.maintenance().may_not_prune());
  CHECK_FALSE(message.maintenance().has_next_prune());
  CHECK(message.maintenance().has_next_check());
}

// Runs begin, and end.
std::vector<v1::Run> finished(MaintainedMachine& machine, std::size_t number) {
  std::vector<v1::Run> ended;
  REQUIRE(garner::testing::eventually([&] {
    // Listed once none is active: the list before that may show one that runs.
    if (!machine.runs->active().empty()) return false;
    const v1::ListRunsResponse all = machine.runs->list({});
    ended.assign(all.runs().rbegin(), all.runs().rend());
    return ended.size() == number;
  }));
  return ended;
}

v1::Run add(MaintainedMachine& machine, catalog::RunKind kind, bool by_itself) {
  StoredRequest request;
  request.destinations = {"disk"};
  request.by_itself = by_itself;
  return machine.runs->add(kind, "", std::move(request));
}

TEST_CASE("maintenance stands behind what people began, whoever came first") {
  MaintainedMachine machine;
  add(machine, catalog::RunKind::kCheck, /*by_itself=*/true);
  add(machine, catalog::RunKind::kPrune, /*by_itself=*/true);
  add(machine, catalog::RunKind::kCheck, /*by_itself=*/false);
  add(machine, catalog::RunKind::kPrune, /*by_itself=*/false);
  machine.runs->start();
  const auto runs = finished(machine, 4);
  for (const v1::Run& run : runs) CHECK(run.state() == v1::RUN_STATE_FINISHED);
  CHECK(runs[2].started().nanos() < runs[0].started().nanos());
  CHECK(runs[3].started().nanos() < runs[1].started().nanos());
  CHECK(machine.describe().last_check().run_id() == "1");
  CHECK(machine.describe().last_prune().run_id() == "2");
}

TEST_CASE("maintenance that runs makes way for what people begin, and goes on after it") {
  MaintainedMachine machine;
  const auto kind = GENERATE(catalog::RunKind::kCheck, catalog::RunKind::kPrune);
  const v1::Run maintenance = add(machine, kind, /*by_itself=*/true);
  machine.here.while_runs_stand_still([&] {
    machine.runs->start();
    CHECK(machine.runs->get(1).state() == v1::RUN_STATE_RUNNING);
    add(machine, kind, /*by_itself=*/false);
  });
  const auto runs = finished(machine, 2);
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].state() == v1::RUN_STATE_FINISHED);
  CHECK(runs[0].attempts() == 2);
  CHECK(runs[1].state() == v1::RUN_STATE_FINISHED);
  CHECK(runs[1].attempts() == 1);
  bool told = false;
  for (const auto& change : machine.here.catalog.runs().changes(1))
    told = told || change.message == "it makes way for other runs";
  CHECK(told);
}

TEST_CASE("a check by itself tells what it verified, and damage is told until it is gone") {
  MaintainedMachine machine;
  const auto repository = machine.here.destinations.open("disk");
  machine.runs->start();
  add(machine, catalog::RunKind::kCheck, /*by_itself=*/true);
  finished(machine, 1);
  v1::MaintenanceStatus status = machine.describe();
  CHECK_FALSE(status.damage_found());
  CHECK(status.last_check().run_id() == "1");
  // As when a pack was found damaged: a later check that does not read it changes nothing.
  maintenance::PackSize pack;
  pack.size = 500;
  machine.here.catalog.verified_packs().note("disk", {{pack, false}}, machine.clock.now().seconds);
  v1::Destination message;
  message.set_name("disk");
  MaintenanceFacts facts(machine.here.destinations, *machine.scheduler);
  facts.describe(message);
  CHECK(message.maintenance().damage_found());
  CHECK(message.maintenance().damaged_packs() == 1);
  const auto notice = MaintenanceFacts::notice(message);
  REQUIRE(notice.has_value());
  CHECK(notice->find("Damage was found at destination disk (1 pack of data)") == 0);
  // The pack is gone from the repository.
  add(machine, catalog::RunKind::kCheck, /*by_itself=*/true);
  finished(machine, 2);
  CHECK_FALSE(machine.describe().damage_found());
}

TEST_CASE(
    "in 90 days with backups, growth and power cuts every pack is read once in 30 days, and prune runs "
    "weekly") {
  const char* given = std::getenv("GARNER_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  INFO("GARNER_SEED=" << seed);
  std::mt19937 random(seed);
  const auto number = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };

  struct Pack {
    maintenance::PackSize pack;
    Instant read;  // or made
  };
  MaintainedMachine machine;
  std::map<store::ObjectName, Pack> packs;
  std::uint64_t bytes = 0;
  std::uint64_t needed = 0;
  const auto add_packs = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Pack one{{{}, static_cast<std::uint64_t>(number(1, 32))}, machine.now.wall};
      for (std::uint8_t& byte : one.pack.name.value) byte = static_cast<std::uint8_t>(number(0, 255));
      packs.emplace(one.pack.name, one);
    }
  };
  add_packs(300);
  const Instant end = machine.now.wall + 90 * 24h;
  Instant backup = machine.now.wall;
  Instant pruned = machine.now.wall;
  std::size_t prunes = 0;
  schedule::Duration off{0};  // since the last prune
  bool checked = true;        // since it was off for long
  while (machine.now.wall < end) {
    const auto active = machine.look();
    for (const v1::Run& run : active) {
      if (run.kind() == v1::RUN_KIND_CHECK) {
        checked = true;
        CheckRotation rotation(machine.here.catalog, "disk", machine.clock);
        std::vector<maintenance::PackSize> there;
        for (const auto& [name, one] : packs) there.push_back(one.pack);
        int left = number(1, 4) == 1 ? number(0, 5) : 1 << 30;  // the power fails after so many packs
        for (const store::ObjectName& name :
             rotation.choose(there, schedule::to_time_point(machine.now.wall))) {
          if (left-- == 0) break;
          Pack& one = packs.at(name);
          REQUIRE(machine.now.wall - one.read <= 30 * 24h);
          one.read = machine.now.wall;
          bytes += one.pack.size;
          rotation.read_whole(one.pack, true);
        }
        rotation.write();
        if (left < 0) {
          // It is taken up after the start, as the queue does.
          machine.lose_power(5min);
          CheckRotation again(machine.here.catalog, "disk", machine.clock);
          for (const store::ObjectName& name :
               again.choose(there, schedule::to_time_point(machine.now.wall - 5min))) {
            Pack& one = packs.at(name);
            one.read = machine.now.wall;
            bytes += one.pack.size;
            again.read_whole(one.pack, true);
          }
          again.write();
        }
        for (const auto& [name, one] : packs) needed += one.pack.size;
      } else if (run.kind() == v1::RUN_KIND_PRUNE) {
        ++prunes;
        // A week and what puts a run off: four hours, and the time the machine was off.
        CHECK(machine.now.wall - pruned <= 7 * 24h + 5h + off);
        pruned = machine.now.wall;
        off = schedule::Duration(0);
        for (int i = number(0, 20); i > 0 && packs.size() > 50; --i) {
          auto one = packs.begin();
          std::advance(one, number(0, static_cast<int>(packs.size()) - 1));
          packs.erase(one);
        }
        add_packs(number(0, 5));
      }
      machine.end(run);
    }
    for (const auto& [name, one] : packs) REQUIRE(machine.now.wall - one.read <= 30 * 24h);
    if (machine.now.wall - backup >= 24h) {
      add_packs(number(0, 12));
      backup = machine.now.wall;
    }
    if (number(1, 200) == 1) {
      // For minutes, or for up to two days: a tenth of the period without any check is what may be.
      const bool is_long = checked && number(1, 4) == 1;
      const auto time = std::chrono::minutes(is_long ? number(60, 48 * 60) : number(1, 60));
      if (is_long) checked = false;
      off += time;
      machine.lose_power(time);
    } else {
      machine.pass(machine.pause);
    }
  }
  CHECK(prunes >= 11);
  // And not much more is read than need be.
  CHECK(bytes <= needed / 30 * 2);
}

}  // namespace
}  // namespace garner::daemon
