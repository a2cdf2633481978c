// The history of runs does not grow for ever. Of each kind of run, of backups and copies of each set, the
// newest kRunsKept stay. So do a backup whose snapshot a destination still lists, or may list, for it is
// away; and what more is asked of old runs (RunTable::old_runs).
#pragma once

#include <cstddef>
#include <cstdint>

#include "destinations.h"

namespace garner::daemon {

inline constexpr std::uint64_t kRunsKept = 1000;

// Removes the others, with their errors and what their commands wrote. How many they were. No destination is
// asked.
std::size_t remove_old_runs(Destinations& destinations, std::uint64_t kept = kRunsKept);

}  // namespace garner::daemon
