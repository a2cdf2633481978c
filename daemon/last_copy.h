// The last copy that began by itself to give a destination what it lacks of a set, as the catalog has it, and
// what it says to who would give it that next.
#pragma once

#include <optional>
#include <string>

#include "catalog/run_table.h"

namespace garner::daemon {

// Nothing when there was none lately.
std::optional<catalog::RunRow> last_copy(catalog::RunTable& runs, const std::string& set,
                                         const std::string& destination);

// Whether it failed for content that is damaged wherever it is stored, within the last day and since the
// destination is behind. Another one would carry everything else once more, and end in the same way.
bool found_damage(const catalog::RunRow& last, TimePoint behind_since, TimePoint now);

// Whether another copy is to wait: for a day after that, and after one that somebody cancelled. What failed
// in other ways (the keys may not write there, there is no snapshot) waits as long, or until there is a newer
// snapshot. `newest`: when the set's newest that is known was made.
bool is_to_rest(const catalog::RunRow& last, TimePoint behind_since, std::optional<TimePoint> newest,
                TimePoint now);

}  // namespace garner::daemon
