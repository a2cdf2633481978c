// Which of two snapshots is newer: by the times that they say, whatever their places in a log are. A copy of
// an older snapshot may come to a destination late, and several destinations have several logs. Sequence
// numbers do not tell either: a run does not know those that were given where it did not look.
//
// Clocks are wrong now and then. One that was ahead leaves snapshots of the future, and by their times alone
// these would stay the newest until that time has come: `latest` would be an old state, and every backup
// would compare with it. So whatever says that it was made more than a day after now counts as older than all
// that does not. A day, for the clocks of machines that share a repository differ. One that was behind leaves
// snapshots that seem older than they are: while it is behind by more than a day, all earlier ones are of the
// future to it, so that what it makes is the newest; once it is right, what was made before that is, until
// the next backup. By less, it is as if what it makes had been made earlier.
#pragma once

#include "base/clock.h"

namespace garner::snapshot {

// Of snapshots of these times, by the clock that shows `now`. An order: neither of two is older when both
// times are the same. Any thread.
inline bool is_older(TimePoint a, TimePoint b, TimePoint now) {
  constexpr std::int64_t kDay = 86'400'000'000'000;  // ns
  const TimePoint future = shifted(now, kDay);
  if ((a > future) != (b > future)) return a > future;
  return a < b;
}

}  // namespace garner::snapshot
