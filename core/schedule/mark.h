// What a schedule remembers, so that no run is lost or doubled: up to which of its times it was served, and
// when that was noted, by the wall clock and by one that nobody sets.
//
// While the machine runs, the boot clock tells how long ago the mark was made. If the wall clock says
// something else it was set meanwhile, and the mark is moved to where it would stand had the clock shown then
// what it shows now:
//   - set ahead: the times that the clock jumped over never were, so they are not owed;
//   - set back: times that were served come again. One that comes less than half a period after the run is
//     the one that was served; later ones are run again, for by then the last backup is that old.
// After a restart nothing tells how long the machine was off. A wall clock behind the mark was set back (a
// battery is empty, or it stood wrong before): what was served before is remembered as `before`, times count
// from this start on, and should the clock be corrected, what `before` says holds again.
#pragma once

#include <optional>
#include <string>

#include "schedule/reading.h"
#include "schedule/schedule.h"

namespace garner::schedule {

struct Mark {
  Instant served;                 // no time of the schedule at or before it is owed
  Instant wall;                   // when that was noted
  Duration boot{0};               // the same by the boot clock
  std::string boot_id;            // of which start of the machine `boot` is
  bool guessed = false;           // `wall` and `boot` are this start's: nothing has run in it yet
  std::optional<Instant> before;  // `served` of before the clock was set back
  bool operator==(const Mark&) const = default;
};

// Of a schedule that was made or changed just now.
Mark first_mark(const Reading& now);
// After a run for `time` began.
Mark mark_served(const Mark& mark, Instant time, const Reading& now);
// The mark as it stands by the clock of today; equal to `mark` unless the clock was set. To be kept durably
// before anything is decided by it. `begun`: the first reading of this process.
Mark adjusted(const Mark& mark, const Schedule& schedule, const Reading& now, const Reading& begun);

}  // namespace garner::schedule
