// Decides what a schedule asks for at a moment. No state, no threads, no clocks: what it is given is all it
// knows, so that years can be played through in a test.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "schedule/mark.h"
#include "schedule/schedule.h"
#include "schedule/window.h"

namespace garner::schedule {

struct Rules {
  Schedule schedule;
  Windows windows;
  // A time of the schedule is put off by up to this much: each by its own amount, which depends on `key` (a
  // set's uuid) and the time alone, so that asking twice gives the same.
  Duration random_delay{0};
  std::string key;
};

struct Plan {
  // The time for which a run is to begin by now: the last of those that are owed, for a run makes up for all
  // before it.
  std::optional<Instant> due;
  // When to ask again, by the wall clock, unless that is set or the mark changes; nothing: never.
  std::optional<Instant> wake;
  // Owed, but waiting for the machine to settle or for a window.
  bool waits = false;
};

// By how much the time is put off.
Duration delay_of(const Rules& rules, Instant time);
// `mark`: as adjusted() gives it. `settled`: of the boot clock, see Session.
Plan plan(const Rules& rules, const Mark& mark, const Reading& now, Duration settled);
// When runs will begin: the schedule's times after the mark that are still to come, put off, and moved to
// when a window opens.
std::vector<Instant> next_times(const Rules& rules, const Mark& mark, const Reading& now, std::size_t count);

}  // namespace garner::schedule
