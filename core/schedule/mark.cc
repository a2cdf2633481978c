#include "schedule/mark.h"

#include <algorithm>

namespace garner::schedule {

namespace {

// Clocks that are not set drift apart: by seconds at once (a correction), by a thousandth in the long run.
constexpr std::chrono::seconds kSmallStep{2};
constexpr int kDriftDivisor = 1000;
// A period is looked for this far back.
constexpr std::chrono::hours kLongestPeriod{24 * 400};
// A clock that was behind by more than this was wrong, not put right.
constexpr std::chrono::hours kFarBehind{24 * 30};

bool is_later(const std::optional<Instant>& a, Instant b) { return a.has_value() && *a > b; }

std::optional<Instant> later(const std::optional<Instant>& a, Instant b) { return is_later(a, b) ? a : b; }

// The clock was set back, and shows `run` for the moment of the last run: which of the times up to `served`
// still count as served.
Instant served_after_setting_back(const Schedule& schedule, Instant run, Instant served) {
  if (run >= served) return served;
  const std::optional<Instant> next = schedule.next(run);
  const std::optional<Instant> last = schedule.last(run - kLongestPeriod, run);
  if (!next || *next > served || !last) return run;
  return *next - run < (*next - *last) / 2 ? *next : run;
}

Mark adjusted_in_same_start(const Mark& mark, const Schedule& schedule, const Reading& now) {
  Mark result = mark;
  const Duration elapsed = now.boot - mark.boot;
  const Instant moment = now.wall - elapsed;  // of the mark, by the clock of today
  const Duration step = moment - mark.wall;
  if (std::chrono::abs(step) <= kSmallStep + elapsed / kDriftDivisor) {
    // What was ahead has come by itself.
    if (mark.before.has_value() && !mark.guessed && now.wall >= *mark.before) result.before.reset();
    return result;
  }
  result.wall = moment;
  if (step < Duration(0)) {
    result.served = mark.guessed ? std::min(mark.served, moment)
                                 : served_after_setting_back(schedule, moment, mark.served);
    result.before = later(mark.before, mark.served);
    return result;
  }
  const bool restored = mark.before.has_value() && now.wall >= *mark.before;
  if (mark.guessed) {
    result.served = restored ? *mark.before : moment;
  } else {
    result.served = std::max(mark.served, moment);
    if (restored) result.served = std::max(result.served, *mark.before);
  }
  if (restored) {
    result.before.reset();
    result.guessed = false;
  }
  return result;
}

Mark adjusted_in_another_start(const Mark& mark, const Reading& now, const Reading& begun) {
  Mark result = mark;
  if (now.wall < mark.wall) {
    result.wall = result.served = now.wall - (now.boot - begun.boot);
    result.boot = begun.boot;
    result.boot_id = now.boot_id;
    result.guessed = true;
    result.before = later(mark.before, mark.served);
    return result;
  }
  if (mark.before.has_value() && now.wall >= *mark.before) {
    if (mark.guessed || *mark.before - mark.wall > kFarBehind)
      result.served = std::max(result.served, *mark.before);
    result.before.reset();
  }
  return result;
}

}  // namespace

Mark first_mark(const Reading& now) { return {now.wall, now.wall, now.boot, now.boot_id, false, {}}; }

Mark mark_served(const Mark& mark, Instant time, const Reading& now) {
  return {std::max(mark.served, time), now.wall, now.boot, now.boot_id, false, mark.before};
}

Mark adjusted(const Mark& mark, const Schedule& schedule, const Reading& now, const Reading& begun) {
  const bool same_start = !now.boot_id.empty() && mark.boot_id == now.boot_id && now.boot >= mark.boot;
  return same_start ? adjusted_in_same_start(mark, schedule, now)
                    : adjusted_in_another_start(mark, now, begun);
}

}  // namespace garner::schedule
