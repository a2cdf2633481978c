#include "last_copy.h"

#include <algorithm>

#include "base/error.h"
#include "stored_request.h"

namespace garner::daemon {

using catalog::RunState;

namespace {

// Of all sets, also those that people asked for.
constexpr std::uint64_t kMostLooked = 1000;
constexpr std::int64_t kRestSeconds = 24 * 3600;

bool goes_to(const catalog::RunRow& row, const std::string& destination) {
  try {
    const StoredRequest request = decode_request(row.request);
    return request.by_itself &&
           std::ranges::find(request.destinations, destination) != request.destinations.end();
  } catch (const Error&) {
    // Of another version: it says nothing.
    return false;
  }
}

// After a clock that was set back nobody waits for the time to come again.
bool ended_lately(const catalog::RunRow& last, TimePoint behind_since, TimePoint now) {
  if (!last.finished || *last.finished < behind_since) return false;
  const std::int64_t age = now.seconds - last.finished->seconds;
  return age >= 0 && age < kRestSeconds;
}

}  // namespace

std::optional<catalog::RunRow> last_copy(catalog::RunTable& runs, const std::string& set,
                                         const std::string& destination) {
  for (catalog::RunRow& row : runs.list_kind(catalog::RunKind::kCopy, kMostLooked)) {
    if (row.set == set && goes_to(row, destination)) return std::move(row);
  }
  return std::nullopt;
}

bool found_damage(const catalog::RunRow& last, TimePoint behind_since, TimePoint now) {
  return last.state == RunState::kFailed && last.failure == to_string(ErrorKind::kDamaged) &&
         ended_lately(last, behind_since, now);
}

bool is_to_rest(const catalog::RunRow& last, TimePoint behind_since, std::optional<TimePoint> newest,
                TimePoint now) {
  if (!ended_lately(last, behind_since, now)) return false;
  if (last.state == RunState::kCancelled || found_damage(last, behind_since, now)) return true;
  return last.state == RunState::kFailed && !(newest && *last.finished < *newest);
}

}  // namespace garner::daemon
