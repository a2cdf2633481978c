#include "schedule/planner.h"

#include "support.h"

namespace garner::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A machine whose clocks a test turns.
struct Machine {
  Reading now{at("2026-06-01 00:00:00"), hours(1), hours(1), "first"};
  Reading begun = now;

  void pass(Duration time) {
    now.wall += time;
    now.boot += time;
    now.awake += time;
  }
  void sleep(Duration time) {
    now.wall += time;
    now.boot += time;
  }
  void set(Instant wall) { now.wall = wall; }
  void restart(Duration off) {
    static int starts = 0;
    now = {now.wall + off, seconds(20), seconds(20), "start " + std::to_string(++starts)};
    begun = now;
  }
};

Rules rules(const std::string& text, const std::string& zone = "UTC") {
  return {parse(text, zone), Windows({}, Zone::named(zone)), Duration(0), "key"};
}

// What falls due now and is served at once.
std::optional<Instant> serve(const Rules& all, Mark& mark, const Machine& machine) {
  mark = adjusted(mark, all.schedule, machine.now, machine.begun);
  const Plan found = plan(all, mark, machine.now, Duration(0));
  if (found.due) mark = mark_served(mark, *found.due, machine.now);
  return found.due;
}

TEST_CASE("a new schedule owes nothing, then each time as it comes") {
  Machine machine;
  const Rules daily = rules("03:00");
  Mark mark = first_mark(machine.now);
  CHECK_FALSE(serve(daily, mark, machine).has_value());
  CHECK(plan(daily, mark, machine.now, Duration(0)).wake == at("2026-06-01 03:00:00"));
  machine.pass(hours(3));
  CHECK(serve(daily, mark, machine) == at("2026-06-01 03:00:00"));
  CHECK_FALSE(serve(daily, mark, machine).has_value());
}

TEST_CASE("what was missed is made up once, after the machine has settled") {
  Machine machine;
  const Rules daily = rules("03:00");
  Mark mark = first_mark(machine.now);
  Session session(machine.now, minutes(1));
  machine.sleep(hours(24 * 5 + 5));
  CHECK(session.notice(machine.now));
  const Plan waiting = plan(daily, mark, machine.now, session.settled());
  CHECK_FALSE(waiting.due.has_value());
  CHECK(waiting.waits);
  CHECK(waiting.wake == machine.now.wall + minutes(1));
  machine.pass(minutes(1));
  CHECK_FALSE(session.notice(machine.now));
  const Plan due = plan(daily, mark, machine.now, session.settled());
  CHECK(due.due == at("2026-06-06 03:00:00"));
  mark = mark_served(mark, *due.due, machine.now);
  CHECK(plan(daily, mark, machine.now, session.settled()).wake == at("2026-06-07 03:00:00"));
}

TEST_CASE("a random delay is the same each time it is asked for, and differs between sets and times") {
  Rules all = rules("03:00");
  all.random_delay = hours(2);
  const Duration first = delay_of(all, at("2026-06-01 03:00:00"));
  CHECK(first == delay_of(all, at("2026-06-01 03:00:00")));
  CHECK(first != delay_of(all, at("2026-06-02 03:00:00")));
  Rules other = all;
  other.key = "other";
  CHECK(first != delay_of(other, at("2026-06-01 03:00:00")));
  Machine machine;
  Mark mark = first_mark(machine.now);
  machine.pass(hours(3) + first - seconds(1));
  CHECK_FALSE(serve(all, mark, machine).has_value());
  machine.pass(seconds(1));
  CHECK(serve(all, mark, machine) == at("2026-06-01 03:00:00"));
}

TEST_CASE("a delay longer than the period starves no time") {
  Rules all = rules("*:0/5");
  all.random_delay = hours(3);
  Machine machine;
  Mark mark = first_mark(machine.now);
  int served = 0;
  for (int i = 0; i < 24 * 60; ++i) {
    machine.pass(minutes(1));
    if (serve(all, mark, machine)) ++served;
  }
  CHECK(served > 20);
}

TEST_CASE("what falls due outside the window waits for it, and comes once") {
  Rules all = rules("hourly");
  all.windows = Windows({parse_window("22:00-06:00")}, Zone::utc());
  Machine machine;
  Mark mark = first_mark(machine.now);
  std::vector<std::string> served;
  for (int i = 0; i < 24; ++i) {
    machine.pass(hours(1));
    if (serve(all, mark, machine)) served.push_back(text_of(machine.now.wall).substr(11, 2));
  }
  CHECK(served == std::vector<std::string>{"01", "02", "03", "04", "05", "22", "23", "00"});
  const std::vector<Instant> times = next_times(rules("*:0/10"), mark, machine.now, 2);
  CHECK(times == std::vector<Instant>{at("2026-06-02 00:10:00"), at("2026-06-02 00:20:00")});
  machine.set(at("2026-06-03 07:00:00"));
  CHECK(next_times(all, mark, machine.now, 3) == std::vector<Instant>{at("2026-06-03 22:00:00"),
                                                                      at("2026-06-03 23:00:00"),
                                                                      at("2026-06-04 00:00:00")});
}

// ---- Clocks that are set ----

TEST_CASE("a clock set back by seconds doubles nothing") {
  Machine machine;
  const Rules daily = rules("03:00");
  Mark mark = first_mark(machine.now);
  machine.pass(hours(3));
  CHECK(serve(daily, mark, machine).has_value());
  for (const int step : {1, 5, 60, 3600}) {
    machine.set(machine.now.wall - seconds(step));
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(serve(daily, mark, machine).has_value());
      machine.pass(seconds(step));
    }
  }
  machine.set(at("2026-06-02 02:59:59"));
  CHECK_FALSE(serve(daily, mark, machine).has_value());
}

TEST_CASE("a clock set back by two years loses nothing") {
  Machine machine;
  const Rules daily = rules("03:00");
  Mark mark = first_mark(machine.now);
  machine.pass(hours(3));
  CHECK(serve(daily, mark, machine).has_value());
  machine.pass(hours(7));
  machine.set(at("2024-06-01 10:00:00"));
  CHECK_FALSE(serve(daily, mark, machine).has_value());
  machine.pass(hours(17));
  CHECK(serve(daily, mark, machine) == at("2024-06-02 03:00:00"));
  // Put right again, 26 hours after the first run.
  machine.pass(hours(2));
  machine.set(at("2026-06-02 05:00:00"));
  CHECK_FALSE(serve(daily, mark, machine).has_value());
  machine.pass(hours(22));
  CHECK(serve(daily, mark, machine) == at("2026-06-03 03:00:00"));
}

TEST_CASE("an interval goes on when the clock is set back") {
  Machine machine;
  const Rules often = rules("every 6h");
  Mark mark = first_mark(machine.now);
  machine.pass(hours(6));
  CHECK(serve(often, mark, machine).has_value());
  machine.set(machine.now.wall - hours(24 * 730));
  int served = 0;
  for (int i = 0; i < 240; ++i) {
    machine.pass(hours(1));
    if (serve(often, mark, machine)) ++served;
  }
  CHECK(served >= 39);
  CHECK(served <= 40);
}

TEST_CASE("a clock set ahead makes up nothing that time has not missed") {
  Machine machine;
  const Rules hourly = rules("hourly");
  Mark mark = first_mark(machine.now);
  machine.pass(hours(1));
  CHECK(serve(hourly, mark, machine).has_value());
  machine.pass(minutes(20));
  machine.set(at("2028-06-01 10:20:00"));
  CHECK_FALSE(serve(hourly, mark, machine).has_value());
  machine.pass(minutes(40));
  CHECK(serve(hourly, mark, machine) == at("2028-06-01 11:00:00"));
  // And back, and through the two years by which it was ahead: each hour once.
  machine.set(at("2026-06-01 02:00:00"));
  int served = 0;
  for (int i = 0; i < 2 * 366 * 24; ++i) {
    machine.pass(hours(1));
    if (serve(hourly, mark, machine)) ++served;
    if (i % 500 == 499) machine.restart(Duration(0));
  }
  CHECK(served == 2 * 366 * 24);
}

TEST_CASE("a machine that starts with a clock of long ago owes what it missed once the clock is right") {
  Machine machine;
  const Rules daily = rules("03:00");
  Mark mark = first_mark(machine.now);
  machine.pass(hours(3));
  CHECK(serve(daily, mark, machine).has_value());
  SECTION("nothing was missed") {
    machine.restart(hours(4));
    machine.set(at("2000-01-01 00:00:00"));
    CHECK_FALSE(serve(daily, mark, machine).has_value());
    machine.pass(minutes(1));
    machine.set(at("2026-06-01 07:01:00"));
    CHECK_FALSE(serve(daily, mark, machine).has_value());
  }
  SECTION("a run was missed") {
    machine.restart(hours(30));
    machine.set(at("2000-01-01 00:00:00"));
    CHECK_FALSE(serve(daily, mark, machine).has_value());
    machine.pass(minutes(1));
    machine.set(at("2026-06-02 09:01:00"));
    CHECK(serve(daily, mark, machine) == at("2026-06-02 03:00:00"));
    CHECK_FALSE(serve(daily, mark, machine).has_value());
  }
  SECTION("it is never put right") {
    for (int day = 0; day < 60; ++day) {
      machine.restart(Duration(0));
      machine.set(at("2000-01-01 00:00:00"));
      CHECK_FALSE(serve(daily, mark, machine).has_value());
      machine.pass(hours(3));
      CHECK(serve(daily, mark, machine) == at("2000-01-01 03:00:00"));
      machine.pass(hours(2));
    }
  }
  SECTION("it ran by the wrong clock, and was restarted before it was right") {
    machine.restart(hours(1));
    machine.set(at("2000-01-01 00:00:00"));
    CHECK_FALSE(serve(daily, mark, machine).has_value());
    machine.pass(hours(3));
    CHECK(serve(daily, mark, machine).has_value());
    machine.restart(Duration(0));
    machine.set(at("2026-06-01 08:00:00"));
    CHECK_FALSE(serve(daily, mark, machine).has_value());
    machine.pass(hours(19));
    CHECK(serve(daily, mark, machine) == at("2026-06-02 03:00:00"));
  }
}

TEST_CASE("a clock that was ahead for one start does not silence a machine that is rarely on") {
  Machine machine;
  const Rules daily = rules("03:00");
  Mark mark = first_mark(machine.now);
  machine.pass(hours(10));
  machine.set(at("2028-06-01 10:00:00"));
  machine.restart(Duration(0));
  CHECK(serve(daily, mark, machine).has_value());
  machine.pass(seconds(30));
  machine.set(at("2026-06-01 10:01:00"));
  CHECK_FALSE(serve(daily, mark, machine).has_value());
  for (int day = 2; day < 20; ++day) {
    machine.restart(hours(23));
    CHECK(serve(daily, mark, machine).has_value());
    machine.pass(hours(1));
    CHECK_FALSE(serve(daily, mark, machine).has_value());
  }
}

TEST_CASE("clocks that are set at random lose no day and run none twice") {
  const bool holds = rc::check("steps of the clock", [] {
    Machine machine;
    const Rules daily = rules("03:00");
    Mark mark = first_mark(machine.now);
    // Real time.
    Duration since_run = hours(24);
    Duration since_step{0};
    bool put_ahead = false;  // since the last run: brings the next time nearer
    bool late = false;       // the last run was: the next time is not put off by that
    for (int i = 0; i < 300; ++i) {
      const Duration pause = minutes(*rc::gen::inRange(1, 120));
      machine.pass(pause);
      since_run += pause;
      since_step += pause;
      if (*rc::gen::inRange(0, 40) == 0) {
        const int days = *rc::gen::element(0, 0, 730);
        const int sign = *rc::gen::element(-1, 1);
        machine.set(machine.now.wall + sign * (hours(24 * days) + minutes(*rc::gen::inRange(0, 600))));
        since_step = Duration(0);
        RC_LOG() << "set to " << text_of(machine.now.wall) << "\n";
        put_ahead = put_ahead || sign > 0;
      }
      if (const std::optional<Instant> served = serve(daily, mark, machine)) {
        RC_LOG() << "run at " << text_of(machine.now.wall) << "\n";
        RC_ASSERT(since_run >= hours(11) || put_ahead || late);
        late = machine.now.wall - *served > hours(2);
        since_run = Duration(0);
        put_ahead = false;
      }
      RC_ASSERT(since_run <= hours(38) || since_step <= hours(38));
    }
  });
  CHECK(holds);
}

}  // namespace
}  // namespace garner::schedule
