#include "schedule/planner.h"

#include <algorithm>

namespace garner::schedule {

namespace {

// Times that are looked at one by one within a random delay. A schedule that has more of them is one of
// seconds, where the delay of a single one says nothing.
constexpr int kMostLookedAt = 5000;

// SplitMix64's finalizer (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void keep_earliest(std::optional<Instant>& earliest, Instant time) {
  if (!earliest || time < *earliest) earliest = time;
}

}  // namespace

Duration delay_of(const Rules& rules, Instant time) {
  if (rules.random_delay <= Duration(0)) return Duration(0);
  std::uint64_t hash = mix(static_cast<std::uint64_t>(time.time_since_epoch().count()));
  for (const char byte : rules.key) hash = mix(hash ^ static_cast<unsigned char>(byte));
  return Duration(hash % (static_cast<std::uint64_t>(rules.random_delay.count()) + 1));
}

Plan plan(const Rules& rules, const Mark& mark, const Reading& now, Duration settled) {
  const Schedule& schedule = rules.schedule;
  Plan result;
  // Those that no delay puts off beyond now.
  const Instant certain = now.wall - rules.random_delay;
  result.due = schedule.last(mark.served, certain);
  // Those that may be: owed, or still to come.
  std::optional<Instant> time = schedule.next(std::max(mark.served, certain));
  for (int looked_at = 0; time && looked_at < kMostLookedAt; ++looked_at) {
    if (result.wake && *time >= *result.wake) break;
    const Instant begins = *time + delay_of(rules, *time);
    if (begins <= now.wall) {
      result.due = time;
    } else {
      keep_earliest(result.wake, begins);
    }
    time = schedule.next(*time);
  }
  if (!result.due) return result;
  Instant may_begin = rules.windows.next_open(now.wall);
  if (now.boot < settled) {
    may_begin = std::max(may_begin, rules.windows.next_open(now.wall + (settled - now.boot)));
  }
  if (may_begin > now.wall) {
    result.due.reset();
    result.waits = true;
    keep_earliest(result.wake, may_begin);
  }
  return result;
}

std::vector<Instant> next_times(const Rules& rules, const Mark& mark, const Reading& now, std::size_t count) {
  std::vector<Instant> times;
  std::optional<Instant> time = rules.schedule.next(std::max(mark.served, now.wall - rules.random_delay));
  for (int looked_at = 0; time && looked_at < kMostLookedAt; ++looked_at) {
    // No later one can come before those found.
    if (times.size() >= count && *time >= times[count - 1]) break;
    const Instant begins = rules.windows.next_open(*time + delay_of(rules, *time));
    const auto place = std::lower_bound(times.begin(), times.end(), begins);
    // Several that wait for one window are one run.
    if (begins > now.wall && (place == times.end() || *place != begins)) times.insert(place, begins);
    time = rules.schedule.next(*time);
  }
  if (times.size() > count) times.resize(count);
  return times;
}

}  // namespace garner::schedule
