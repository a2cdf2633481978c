#include "scheduler.h"

#include "copy_request.h"
#include "installation.h"
#include "run_message.h"

namespace garner::daemon {
namespace {

using namespace std::chrono_literals;
using schedule::Instant;
using schedule::Reading;

// A machine with a destination and a set, and clocks that the test turns. Runs are queued and never begin, so
// that a test says when one ends.
struct ScheduledMachine {
  ScheduledMachine() : here(folder.path("state")), work(here.destinations, Settings{}) {
    here.add("disk", folder.path("disk"));
    std::filesystem::create_directories(folder.path("source"));
    restart();
  }

  ScheduleContext context() const { return {geteuid(), now}; }

  void add_set(const std::function<void(v1::ScheduleChange&)>& change) {
    v1::AddSetRequest request;
    request.set_name("home");
    request.add_sources(folder.path("source"));
    request.add_destinations("disk");
    change(*request.mutable_schedule());
    here.sets.add(request, context());
  }
  void edit_set(const std::function<void(v1::ScheduleChange&)>& change) {
    v1::EditSetRequest request;
    request.set_name("home");
    change(*request.mutable_schedule());
    here.sets.edit(request, context());
  }

  // The process ends, or is killed, and another one starts.
  void restart() {
    scheduler.reset();
    runs.reset();
    runs = std::make_unique<RunQueue>(here.catalog, work, system_clock(), [] {});
    runs->load();
    scheduler = std::make_unique<Scheduler>(here.destinations, *runs, 60s, [this] { return now; });
  }
  void pass(schedule::Duration time) {
    now.wall += time;
    now.boot += time;
    now.awake += time;
  }

  // Active runs after a look.
  std::vector<v1::Run> look() {
    pause = scheduler->look();
    return runs->active();
  }
  void end(const v1::Run& run) { runs->cancel(parse_run_number(run.run_id())); }
  v1::BackupSet describe() {
    v1::BackupSet set = here.sets.describe(here.sets.get("home"));
    scheduler->describe(set);
    return set;
  }

  testing::TemporaryFolder folder;
  Installation here;
  RunWork work;
  // 2026-06-01, a Monday, 00:00 UTC.
  Reading now{Instant(1'780'272'000s), 1h, 1h, "first"};
  std::unique_ptr<RunQueue> runs;
  std::unique_ptr<Scheduler> scheduler;
  std::chrono::milliseconds pause{0};
};

void hourly(v1::ScheduleChange& change) {
  change.add_schedules()->set_schedule("hourly");
  change.set_timezone("UTC");
}

TEST_CASE("a scheduled run begins when it is due, once") {
  ScheduledMachine machine;
  machine.add_set(hourly);
  CHECK(machine.look().empty());
  CHECK(machine.pause == 30min);  // it looks now and then anyway
  machine.pass(1h);
  const auto begun = machine.look();
  REQUIRE(begun.size() == 1);
  CHECK(begun[0].scheduled());
  CHECK(begun[0].set() == "home");
  CHECK(machine.look().size() == 1);
  machine.end(begun[0]);
  CHECK(machine.look().empty());
  machine.pass(59min);
  CHECK(machine.look().empty());
  CHECK(machine.pause == 1min);
}

TEST_CASE(
    "a daemon that was killed after it began a run does not begin it again, and one that missed some makes "
    "up once") {
  ScheduledMachine machine;
  machine.add_set(hourly);
  machine.pass(1h);
  const auto begun = machine.look();
  REQUIRE(begun.size() == 1);
  machine.restart();
  machine.pass(2min);
  const auto after = machine.look();
  REQUIRE(after.size() == 1);
  CHECK(after[0].run_id() == begun[0].run_id());
  machine.end(after[0]);
  CHECK(machine.look().empty());
  // Five hours away, then a minute to settle.
  machine.pass(5h);
  machine.restart();
  CHECK(machine.look().empty());
  CHECK(machine.describe().waits_for() == "the machine to settle after its start");
  CHECK(machine.pause == 1min);
  machine.pass(1min);
  const auto made_up = machine.look();
  REQUIRE(made_up.size() == 1);
  machine.end(made_up[0]);
  CHECK(machine.look().empty());
}

TEST_CASE("a run that is due while another is unfinished begins when that has ended") {
  ScheduledMachine machine;
  machine.add_set(hourly);
  StoredRequest request;
  request.set = machine.here.sets.get("home").definition;
  request.destinations = {"disk"};
  const v1::Run by_hand = machine.runs->add(catalog::RunKind::kBackup, "home", std::move(request));
  machine.pass(2h);
  const auto waiting = machine.look();
  REQUIRE(waiting.size() == 1);
  CHECK_FALSE(waiting[0].scheduled());
  CHECK(machine.describe().waits_for() == "run " + by_hand.run_id() + " to end");
  machine.end(by_hand);
  const auto begun = machine.look();
  REQUIRE(begun.size() == 1);
  CHECK(begun[0].scheduled());
}

TEST_CASE("a scheduled run pauses at the end of its window and goes on in the next") {
  ScheduledMachine machine;
  machine.add_set([](v1::ScheduleChange& change) {
    hourly(change);
    change.add_windows("22:00-06:00");
  });
  machine.pass(5h + 59min);
  auto runs = machine.look();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].state() == v1::RUN_STATE_QUEUED);
  machine.look();
  CHECK(machine.pause == 1min);
  machine.pass(1min);
  machine.look();
  runs = machine.runs->active();
  CHECK(runs[0].state() == v1::RUN_STATE_PAUSED);
  CHECK(runs[0].pause_reason() == v1::PAUSE_REASON_WINDOW);
  CHECK(runs[0].message() == "its window opens again at 2026-06-01 22:00");
  // A disk that is back is no reason to go on.
  CHECK(machine.runs->waiting().empty());
  machine.runs->retry(parse_run_number(runs[0].run_id()));
  CHECK(machine.runs->active()[0].state() == v1::RUN_STATE_PAUSED);
  SECTION("by itself") {
    machine.restart();
    machine.pass(16h);
    machine.look();
    CHECK(machine.runs->active()[0].state() == v1::RUN_STATE_QUEUED);
  }
  SECTION("because somebody wants it to") {
    machine.runs->resume(parse_run_number(runs[0].run_id()));
    machine.pass(1h);
    machine.look();
    CHECK(machine.runs->active()[0].state() == v1::RUN_STATE_QUEUED);
  }
}

TEST_CASE(
    "a copy by itself pauses at the end of its set's window, and one that somebody asked for does not") {
  ScheduledMachine machine;
  machine.add_set([](v1::ScheduleChange& change) {
    change.add_windows("22:00-06:00");
    change.set_timezone("UTC");
  });
  const StoredRequest request = catch_up_request(machine.here.sets.get("home"), "disk");
  const v1::Run by_itself = machine.runs->add(catalog::RunKind::kCopy, "home", request);
  const v1::Run asked = machine.runs->add(catalog::RunKind::kCopy, "", request);
  const auto state = [&](const v1::Run& run) {
    machine.look();
    return machine.runs->get(parse_run_number(run.run_id())).state();
  };
  CHECK(state(by_itself) == v1::RUN_STATE_QUEUED);
  machine.pass(6h);
  CHECK(state(by_itself) == v1::RUN_STATE_PAUSED);
  CHECK(state(by_itself) == v1::RUN_STATE_PAUSED);
  CHECK(state(asked) == v1::RUN_STATE_QUEUED);
  machine.pass(16h);
  CHECK(state(by_itself) == v1::RUN_STATE_QUEUED);
}

TEST_CASE("a run waits for its conditions") {
  ScheduledMachine machine;
  const std::string flag = machine.folder.path("flag");
  machine.add_set([&](v1::ScheduleChange& change) {
    hourly(change);
    change.add_conditions("command:test -e " + flag);
  });
  machine.pass(90min);
  CHECK(machine.look().empty());
  CHECK(machine.describe().waits_for() == "its command does not say yes");
  CHECK(machine.pause <= 1min);
  replace_file_durably(flag, as_bytes("x"));
  CHECK(machine.look().size() == 1);
  CHECK(machine.describe().waits_for().empty());
}

TEST_CASE("a set tells its next three times, and that it is overdue") {
  ScheduledMachine machine;
  machine.add_set([](v1::ScheduleChange& change) {
    hourly(change);
    change.set_overdue_after_seconds(7200);
  });
  const v1::BackupSet set = machine.describe();
  REQUIRE(set.next_runs_size() == 3);
  for (int i = 0; i < 3; ++i) CHECK(set.next_runs(i).seconds() == 1'780'272'000 + 3600 * (i + 1));
  CHECK_FALSE(set.overdue());
  CHECK(set.schedule().schedules(0).schedule() == "hourly");
  machine.pass(2h + 1s);
  CHECK(machine.describe().overdue());
  v1::SetStatus status;
  status.set_name("home");
  machine.scheduler->describe(status);
  CHECK(status.overdue());
  CHECK(status.next_runs_size() == 3);
}

TEST_CASE("a clock that is set back two years, and put right, loses and doubles nothing") {
  ScheduledMachine machine;
  machine.add_set(hourly);
  const auto ran = [&] {
    const auto runs = machine.look();
    for (const v1::Run& run : runs) machine.end(run);
    return runs.size();
  };
  machine.pass(1h);
  CHECK(ran() == 1);
  machine.pass(10min);
  machine.now.wall -= 24h * 730;
  CHECK(ran() == 0);
  std::size_t count = 0;
  for (int i = 0; i < 24; ++i) {
    machine.pass(1h);
    count += ran();
    if (i % 5 == 0) {
      machine.restart();
      machine.look();
      machine.pass(1min);
      count += ran();
    }
  }
  CHECK(count == 24);
  machine.now.wall += 24h * 730;
  CHECK(ran() == 0);
}

TEST_CASE("an edit keeps what it does not name, and the schedule's memory") {
  ScheduledMachine machine;
  machine.add_set(hourly);
  machine.pass(1h);
  for (const v1::Run& run : machine.look()) machine.end(run);
  machine.edit_set([](v1::ScheduleChange& change) { change.set_random_delay_seconds(60); });
  CHECK(machine.describe().schedule().schedules(0).schedule() == "hourly");
  CHECK(machine.look().empty());
  machine.pass(62min);
  CHECK(machine.look().size() == 1);
  machine.edit_set([](v1::ScheduleChange& change) { change.set_no_schedules(true); });
  CHECK(machine.describe().next_runs().empty());
}

TEST_CASE("a schedule that has come to its end stays, and the rest may change") {
  ScheduledMachine machine;
  machine.add_set(
      [](v1::ScheduleChange& change) { change.add_schedules()->set_schedule("2026-06-01 01:00 UTC"); });
  machine.pass(2h);
  for (const v1::Run& run : machine.look()) machine.end(run);
  CHECK(machine.look().empty());
  CHECK(machine.describe().next_runs().empty());
  machine.edit_set([](v1::ScheduleChange& change) { change.set_overdue_after_seconds(86400); });
  CHECK(machine.describe().schedule().overdue_after_seconds() == 86400);
}

TEST_CASE("what cannot be is refused before anything changes") {
  ScheduledMachine machine;
  machine.add_set(hourly);
  const auto refused = [&](const std::function<void(v1::ScheduleChange&)>& change, const std::string& says) {
    try {
      machine.edit_set(change);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kInvalidInput);
      CHECK_THAT(error.what(), Catch::Matchers::Contains(says));
      return;
    }
    FAIL(says);
  };
  const auto schedules = [](const std::vector<std::pair<std::string, std::string>>& all) {
    return [all](v1::ScheduleChange& change) {
      for (const auto& [destination, text] : all) {
        v1::ScheduleEntry& entry = *change.add_schedules();
        entry.set_destination(destination);
        entry.set_schedule(text);
      }
    };
  };
  refused(schedules({{"", "25:00"}}), "character 1: an hour");
  refused(schedules({{"", "2026-02-30"}}), "never comes: there is no such day");
  refused(schedules({{"", "2026-01-01"}}), "never comes again");
  refused(schedules({{"usb", "daily"}}), "no destination of the set");
  refused(schedules({{"", "daily"}, {"", "weekly"}}), "two schedules");
  refused([](v1::ScheduleChange& change) { change.set_timezone("Europe/Berln"); }, "no time zone");
  refused([](v1::ScheduleChange& change) { change.add_windows("22:00"); }, "character 6");
  refused([](v1::ScheduleChange& change) { change.add_conditions("moonlight"); }, "no condition");
  refused([](v1::ScheduleChange& change) { change.set_random_delay_seconds(1ull << 40); }, "at most 30 days");
  CHECK(machine.describe().schedule().schedules_size() == 1);
  CHECK(machine.describe().schedule().schedules(0).schedule() == "hourly");
}

}  // namespace
}  // namespace garner::daemon
