#include "destination_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/disk_space.h"
#include "base/error.h"
#include "copy_request.h"
#include "destination_runs.h"
#include "last_copy.h"
#include "schedule/instant.h"
#include "schedule_edit.h"

namespace garner::daemon {

namespace {

// A full disk is tried when this much more is free than when the run was paused.
constexpr std::uint64_t kEnoughMore = 8u << 20;
// At the first look, there is room if two packs fit.
constexpr std::uint64_t kEnough = 64u << 20;
// Nobody knows how much room the run needs, or which destination: it is tried every now and then anyway, less
// and less often.
constexpr std::chrono::seconds kFirstInterval{15};
constexpr std::chrono::seconds kLongestInterval{3600};

}  // namespace

void DestinationWatch::look() {
  runs_.make_way();
  for (const RunQueue::Waiting& waiting : runs_.waiting()) {
    if (is_to_be_tried(waiting)) runs_.retry(waiting.number);
  }
  catch_up();
}

void DestinationWatch::catch_up() {
  catalog::Catalog& catalog = destinations_.context().catalog;
  const auto now = schedule::to_instant(destinations_.context().clock.now());
  for (const auto& behind : catalog.set_destinations().behind()) {
    const std::optional<catalog::BackupSet> set = catalog.configuration().set(behind.set);
    if (!set || std::ranges::find(set->destinations, behind.destination) == set->destinations.end()) continue;
    const std::optional<catalog::SetSchedule> schedule = catalog.schedules().find(behind.set);
    if (schedule && !windows_of(*schedule).is_open(now)) continue;
    if (!is_to_catch_up(behind) || !is_other_there(*set, behind)) continue;
    note_try(behind);
    if (rests(behind)) continue;
    // It may be somebody's command: it is asked no more often than that.
    if (schedule && conditions_.unmet(schedule->conditions, {behind.destination})) continue;
    const v1::Run run =
        runs_.add(catalog::RunKind::kCopy, behind.set, catch_up_request(*set, behind.destination),
                  [&](v1::Run& report) {
                    part_of(report, behind.destination).set_state(v1::DESTINATION_RUN_STATE_WAITING);
                  });
    spdlog::info("run {}: destination {} is behind with set {} and is there", run.run_id(),
                 behind.destination, behind.set);
  }
}

bool DestinationWatch::is_ready(const std::string& destination) {
  return destinations_.glance(destination).message.state() == v1::DESTINATION_STATE_READY;
}

bool DestinationWatch::is_server(const std::string& destination) {
  return !destinations_.facts(destination).url.starts_with('/');
}

bool DestinationWatch::is_to_catch_up(const Behind& behind) {
  // That one will see to it.
  for (const auto kind : {catalog::RunKind::kBackup, catalog::RunKind::kCopy}) {
    if (runs_.unfinished(kind, behind.destination, behind.set)) return false;
  }
  const auto now = destinations_.context().clock.steady();
  Try& last = tries_[{behind.set, behind.destination}];
  if (last.since != behind.since) last = {behind.since, now, kFirstInterval};
  if (now < last.next) return false;
  // A look at a server is a request, which may cost money; one for a disk costs nothing.
  if (is_server(behind.destination)) note_try(behind);
  return is_ready(behind.destination);
}

// Somebody has to give it something. Disks first: a server is not asked when one of them is there.
bool DestinationWatch::is_other_there(const catalog::BackupSet& set, const Behind& behind) {
  for (const bool servers : {false, true}) {
    for (const std::string& name : set.destinations) {
      if (name == behind.destination || is_server(name) != servers) continue;
      if (servers) note_try(behind);
      if (is_ready(name)) return true;
    }
  }
  return false;
}

bool DestinationWatch::rests(const Behind& behind) {
  catalog::Catalog& catalog = destinations_.context().catalog;
  const std::optional<catalog::RunRow> last = last_copy(catalog.runs(), behind.set, behind.destination);
  if (!last) return false;
  std::optional<TimePoint> newest;
  for (const auto& [destination, state] : catalog.set_destinations().find(behind.set))
    newest = std::max(newest, state.last_done);
  return is_to_rest(*last, behind.since, newest, destinations_.context().clock.now());
}

void DestinationWatch::note_try(const Behind& behind) {
  const auto now = destinations_.context().clock.steady();
  Try& last = tries_[{behind.set, behind.destination}];
  if (now < last.next) return;
  last.next = now + last.interval;
  last.interval = std::min(last.interval * 2, kLongestInterval);
}

DestinationWatch::View DestinationWatch::look_at(const RunQueue::Waiting& waiting) {
  std::vector<std::string> names = waiting.destinations;
  // A restore has no destination of its own: it takes what is there.
  if (names.empty()) {
    for (const auto& known : destinations_.context().catalog.configuration().destinations())
      names.push_back(known.name);
  }
  View view;
  bool any_told = false;
  for (const std::string& name : names) {
    const v1::Destination seen = destinations_.glance(name).message;
    if (seen.state() != v1::DESTINATION_STATE_READY) continue;
    view.there.insert(name);
    if (seen.total_bytes() == 0) continue;
    view.free_bytes = any_told ? std::min(view.free_bytes, seen.free_bytes()) : seen.free_bytes();
    any_told = true;
  }
  if (waiting.reason == catalog::PauseReason::kStateFull) {
    const std::optional<DiskSpace> space = disk_space(destinations_.context().state_folder);
    view.free_bytes = space ? space->free : 0;
  }
  return view;
}

bool DestinationWatch::is_to_be_tried(const RunQueue::Waiting& waiting) {
  const auto now = destinations_.context().clock.steady();
  const View view = look_at(waiting);
  const auto [found, first] = looks_.try_emplace(waiting.number);
  Look& last = found->second;
  const bool anew = first || last.next_try < now - kLongestInterval;
  if (anew) last.view = {};
  bool more = false;
  if (waiting.reason == catalog::PauseReason::kDestinationAway) {
    more = !std::ranges::includes(last.view.there, view.there);
  } else if (anew) {
    more = view.free_bytes >= kEnough;
  } else {
    more = view.free_bytes >= last.view.free_bytes && view.free_bytes - last.view.free_bytes >= kEnoughMore;
  }
  const bool tried = more || (!anew && now >= last.next_try && !view.there.empty());
  if (tried || anew) {
    last.interval = more || anew ? kFirstInterval : std::min(last.interval * 2, kLongestInterval);
    last.next_try = now + last.interval;
    last.view.free_bytes = view.free_bytes;
  }
  last.view.free_bytes = std::min(last.view.free_bytes, view.free_bytes);
  last.view.there = view.there;
  return tried;
}

}  // namespace garner::daemon
