#include "maintenance/forget.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "maintenance/decided_removal.h"
#include "snapshot/node.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;

// Recovered snapshots may lack something, and those of the future were made by a clock that was ahead, or
// seem so to one that is behind: no other one goes to make room for one of them. So it is kept if the rules
// keep it among all, or among those that are neither.
//
// Nor does the last one of a set in the log go, whatever it says of its time: it may be the newest, made by a
// clock that was behind.
std::vector<RetentionDecision> apply_policy(const std::vector<RetentionItem>& items,
                                            const std::vector<bool>& recovered, const RetentionPolicy& policy,
                                            TimePoint now) {
  std::vector<RetentionDecision> decisions = apply_retention(items, policy, now);
  std::vector<RetentionItem> sound;
  std::vector<std::size_t> places;
  std::map<std::string_view, std::size_t> last;  // that is whole, by group
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (recovered[i]) continue;
    last[items[i].group] = i;
    if (items[i].time > now) continue;
    sound.push_back(items[i]);
    places.push_back(i);
  }
  if (sound.size() < items.size()) {
    std::vector<RetentionDecision> among_sound = apply_retention(sound, policy, now);
    for (std::size_t i = 0; i < places.size(); ++i) {
      RetentionDecision& decision = decisions[places[i]];
      if (decision.reasons.empty()) decision = std::move(among_sound[i]);
    }
  }
  for (const auto& [group, place] : last) {
    if (decisions[place].reasons.empty()) decisions[place].reasons.emplace_back("last in the log");
  }
  return decisions;
}

std::vector<ForgetDecision> decide(const v1::RepositoryState& state, const ForgetOptions& options,
                                   TimePoint now) {
  std::set<crypto::BlobId> chosen;
  if (options.choose) {
    for (const crypto::BlobId& id : options.choose(state)) chosen.insert(id);
  }
  std::vector<ForgetDecision> decisions;
  std::vector<RetentionItem> items;
  std::vector<bool> recovered;  // of each
  for (const v1::SnapshotEntry& entry : state.snapshots()) {
    const v1::Snapshot& made = entry.snapshot();
    const auto id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
    const bool by_policy =
        !options.policy.empty() && (options.set.empty() || made.set().uuid() == options.set);
    if (!by_policy && !chosen.contains(id)) continue;
    if (chosen.contains(id) && entry.pinned()) {
      throw Error(ErrorKind::kConflict, "snapshot " + id.hex().substr(0, 12) + " is pinned: garner unpin " +
                                            id.hex().substr(0, 12));
    }
    const TimePoint time = snapshot::from_proto(made.finished());
    const auto zone = options.zones.find(made.set().uuid());
    decisions.push_back({id, made.set().name(), time, false, {}});
    items.push_back({made.set().uuid(), time, entry.pinned(),
                     zone == options.zones.end() ? std::string() : zone->second});
    recovered.push_back(entry.recovered());
  }
  if (!options.policy.empty()) {
    std::vector<RetentionDecision> kept = apply_policy(items, recovered, options.policy, now);
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      decisions[i].reasons = std::move(kept[i].reasons);
      decisions[i].forgotten = decisions[i].reasons.empty();
    }
  }
  for (ForgetDecision& decision : decisions) {
    if (!chosen.contains(decision.id)) continue;
    decision.forgotten = true;
    decision.reasons.clear();
  }
  std::stable_sort(decisions.begin(), decisions.end(),
                   [](const ForgetDecision& a, const ForgetDecision& b) { return a.time > b.time; });
  return decisions;
}

}  // namespace

std::vector<ForgetDecision> run_forget(store::Repository& repository, const ForgetOptions& options,
                                       const Clock& clock) {
  if (options.policy.empty() && !options.choose) {
    throw Error(ErrorKind::kInvalidInput,
                "a retention without any rule would forget everything: say what is to be kept");
  }
  // Should it be old, the commit is overtaken, and the decision made again.
  repository.refresh(store::kLookToBeginWith);
  if (!options.dry_run) repository.read_whole_log(store::kLookToBeginWith);
  std::vector<ForgetDecision> decisions;
  commit_decided(repository, [&](const v1::RepositoryState& state) {
    decisions = decide(state, options, clock.now());
    store::Removal removal;
    for (const ForgetDecision& decision : decisions) {
      if (decision.forgotten && !options.dry_run) removal.remove_snapshots.insert(decision.id);
    }
    return removal;
  });
  return decisions;
}

bool set_pinned(store::Repository& repository, const crypto::BlobId& id, bool pinned) {
  bool changed = false;
  repository.refresh();
  commit_decided(repository, [&](const v1::RepositoryState& state) {
    const v1::SnapshotEntry* entry = store::find_snapshot(state, id.view());
    if (entry == nullptr) {
      throw Error(ErrorKind::kNotFound, "there is no snapshot " + id.hex().substr(0, 12) + " any more");
    }
    changed = entry->pinned() != pinned;
    store::Removal removal;
    if (changed) (pinned ? removal.pin : removal.unpin).insert(id);
    return removal;
  });
  return changed;
}

}  // namespace garner::maintenance
