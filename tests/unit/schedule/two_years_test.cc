// A machine that sleeps at night and loses power now and then, through two years with daylight saving: no run
// is lost or doubled, and what was missed is made up once.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "schedule/planner.h"
#include "support.h"

namespace garner::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes kSettling{2};

// A stretch of time in which the machine is awake.
struct Awake {
  Instant from;
  Instant to;
  bool restarted;  // else it slept before
};

struct Run {
  Instant began;
  Instant time;  // of the schedule
  bool operator==(const Run&) const = default;
};

std::vector<Awake> days_of(std::mt19937& random, Instant begin, Instant end) {
  const auto number = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  std::vector<Awake> all;
  Instant time = begin;
  bool restarted = true;
  while (time < end) {
    // Awake for a day's part, asleep for the night; the odd power cut, of minutes or of a fortnight.
    Instant until = time + minutes(number(1, 18 * 60));
    const bool power_lost = number(1, 10) == 1;
    if (power_lost) until = time + seconds(number(1, 4 * 3600));
    all.push_back({time, std::min(until, end), restarted});
    time = until + (power_lost && number(1, 5) == 1 ? Duration(hours(number(1, 24 * 14)))
                                                    : Duration(seconds(number(60, 10 * 3600))));
    restarted = power_lost;
  }
  return all;
}

// What should happen, from the schedule's whole list of times: the planner is not asked.
std::vector<Run> expected_runs(const Rules& rules, const std::vector<Awake>& awake, Instant begin,
                               Instant end) {
  std::vector<Run> owed;  // with `began` when it would begin were the machine never away
  for (auto time = rules.schedule.next(begin); time && *time < end; time = rules.schedule.next(*time))
    owed.push_back({*time + delay_of(rules, *time), *time});
  std::vector<Run> runs;
  std::size_t next = 0;
  for (const Awake& stretch : awake) {
    const Instant settled = stretch.from + kSettling;
    if (settled >= stretch.to) continue;
    std::optional<Instant> missed;
    for (; next < owed.size() && owed[next].began <= settled; ++next) missed = owed[next].time;
    if (missed) runs.push_back({settled, *missed});
    for (; next < owed.size() && owed[next].began < stretch.to; ++next) runs.push_back(owed[next]);
  }
  return runs;
}

// What the planner makes of it, asked when it wants to be, and kept only as far as a mark keeps it.
std::vector<Run> planned_runs(const Rules& rules, const std::vector<Awake>& awake, Instant begin) {
  std::vector<Run> runs;
  Duration boot{0};
  Duration slept{0};
  int starts = 0;
  Instant last = begin;
  const auto reading = [&](Instant wall) {
    return Reading{wall, boot + (wall - last), boot + (wall - last) - slept,
                   "start " + std::to_string(starts)};
  };
  Mark mark = first_mark(reading(begin));
  std::optional<Session> session;
  for (const Awake& stretch : awake) {
    if (stretch.restarted) {
      ++starts;
      boot = slept = Duration(0);
      last = stretch.from;
      session.emplace(reading(stretch.from), kSettling);
    } else {
      const Instant fell_asleep = last;
      boot += stretch.from - fell_asleep;
      slept += stretch.from - fell_asleep;
      last = stretch.from;
    }
    Instant now = stretch.from;
    while (now < stretch.to) {
      const Reading read = reading(now);
      session->notice(read);
      mark = adjusted(mark, rules.schedule, read, session->begun());
      const Plan found = plan(rules, mark, read, session->settled());
      if (found.due) {
        runs.push_back({now, *found.due});
        mark = mark_served(mark, *found.due, read);
        continue;
      }
      REQUIRE(found.wake.has_value());
      REQUIRE(*found.wake > now);
      now = *found.wake;
    }
    // It falls asleep, or loses power, at the stretch's end.
    boot += stretch.to - last;
    last = stretch.to;
  }
  return runs;
}

TEST_CASE("two years in three zones with suspends and power cuts lose and double nothing") {
  const char* given = std::getenv("GARNER_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  INFO("GARNER_SEED=" << seed);
  std::mt19937 random(seed);
  const Instant begin = at("2026-01-01 00:00:00");
  const Instant end = at("2028-01-01 00:00:00");
  struct Kind {
    const char* text;
    minutes delay;
  };
  std::size_t total = 0;
  for (const char* zone : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}) {
    for (const Kind& kind :
         {Kind{"hourly", minutes(0)}, Kind{"02:30", minutes(0)}, Kind{"01:15", minutes(240)},
          Kind{"*:0/20", minutes(15)}, Kind{"Mon..Fri 9..17:30", minutes(30)},
          Kind{"0 4 * * sun", minutes(60)}, Kind{"*-*~1 23:59", minutes(0)}, Kind{"every 7h", minutes(0)}}) {
      INFO(kind.text << " in " << zone);
      const Rules rules{parse(kind.text, zone), Windows({}, Zone::named(zone)), kind.delay, zone};
      const std::vector<Awake> awake = days_of(random, begin, end);
      const std::vector<Run> planned = planned_runs(rules, awake, begin);
      const std::vector<Run> expected = expected_runs(rules, awake, begin, end);
      REQUIRE(planned.size() == expected.size());
      const auto [a, b] = std::mismatch(planned.begin(), planned.end(), expected.begin());
      if (a != planned.end()) {
        INFO("planned " << text_of(a->time) << " at " << text_of(a->began));
        INFO("expected " << text_of(b->time) << " at " << text_of(b->began));
        CHECK(a == planned.end());
      }
      // Each time at most once, in order.
      CHECK(std::is_sorted(planned.begin(), planned.end(),
                           [](const Run& x, const Run& y) { return x.time <= y.time; }));
      total += planned.size();
    }
  }
  CHECK(total > 10'000);
}

}  // namespace
}  // namespace garner::schedule
