#include "destination_watch.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace garner::daemon {

namespace {

// A full destination is tried when this much more is free than when the run was paused; and, since nobody
// knows how much the run needs, every now and then anyway, less and less often.
constexpr std::uint64_t kEnoughMore = 8u << 20;
// At the first look, there is room if two packs fit.
constexpr std::uint64_t kEnough = 64u << 20;
constexpr std::chrono::seconds kFirstInterval{15};
constexpr std::chrono::seconds kLongestInterval{3600};

}  // namespace

void DestinationWatch::look() {
  const std::vector<RunQueue::Waiting> all = runs_.waiting();
  for (const RunQueue::Waiting& waiting : all) {
    const bool full = waiting.reason == catalog::PauseReason::kDestinationFull;
    if (full ? has_room(waiting) : is_there(waiting)) runs_.retry(waiting.number);
  }
}

bool DestinationWatch::is_there(const RunQueue::Waiting& waiting) {
  // A restore has no destination of its own: it takes what is there.
  std::vector<std::string> names = waiting.destinations;
  if (names.empty()) {
    for (const auto& known : destinations_.context().catalog.configuration().destinations())
      names.push_back(known.name);
  }
  const auto ready = [&](const std::string& name) {
    return destinations_.look(name).message.state() == v1::DESTINATION_STATE_READY;
  };
  // A restore whose snapshot is at a destination that is still away pauses again.
  return waiting.destinations.empty() ? std::all_of(names.begin(), names.end(), ready)
                                      : std::any_of(names.begin(), names.end(), ready);
}

std::uint64_t DestinationWatch::free_bytes(const RunQueue::Waiting& waiting) {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (const std::string& name : waiting.destinations) {
    const DestinationView view = destinations_.look(name);
    if (view.message.state() != v1::DESTINATION_STATE_READY) return 0;
    least = std::min<std::uint64_t>(least, view.message.free_bytes());
  }
  return least;
}

bool DestinationWatch::has_room(const RunQueue::Waiting& waiting) {
  const auto now = destinations_.context().clock.steady();
  const std::uint64_t free = free_bytes(waiting);
  const auto [found, first] = full_.try_emplace(waiting.number);
  Full& full = found->second;
  if (first || full.next_try < now - kLongestInterval) {
    full = {free, now + kFirstInterval, kFirstInterval};
    return free >= kEnough;
  }
  const bool more = free >= full.free_when_paused && free - full.free_when_paused >= kEnoughMore;
  if (!more && now < full.next_try) {
    full.free_when_paused = std::min(full.free_when_paused, free);
    return false;
  }
  full.interval = more ? kFirstInterval : std::min(full.interval * 2, kLongestInterval);
  full.next_try = now + full.interval;
  full.free_when_paused = free;
  return true;
}

}  // namespace garner::daemon
