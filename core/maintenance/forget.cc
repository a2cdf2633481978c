#include "maintenance/forget.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/node.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;

// Others that commit meanwhile are waited for so often.
constexpr int kMostTries = 50;

Error overtaken_again(const store::Repository& repository) {
  return {ErrorKind::kConflict, "others commit all the time to the repository " +
                                    repository.header().repository.text() + ": try again"};
}

std::vector<ForgetDecision> decide(const v1::RepositoryState& state, const ForgetOptions& options,
                                   TimePoint now) {
  std::set<crypto::BlobId> chosen;
  if (options.choose) {
    for (const crypto::BlobId& id : options.choose(state)) chosen.insert(id);
  }
  std::vector<ForgetDecision> decisions;
  std::vector<RetentionItem> items;
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
  }
  if (!options.policy.empty()) {
    std::vector<RetentionDecision> kept = apply_retention(items, options.policy, now);
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
  repository.refresh();
  if (!options.dry_run) repository.read_whole_log();
  for (int tries = 0; tries < kMostTries; ++tries) {
    const std::shared_ptr<const v1::RepositoryState> state = repository.state();
    std::vector<ForgetDecision> decisions = decide(*state, options, clock.now());
    store::CommitPlan plan;
    plan.removal.decided_on = state->generation();
    for (const ForgetDecision& decision : decisions) {
      if (decision.forgotten) plan.removal.remove_snapshots.insert(decision.id);
    }
    if (options.dry_run || plan.removal.remove_snapshots.empty()) return decisions;
    if (!repository.commit(plan).overtaken) return decisions;
  }
  throw overtaken_again(repository);
}

bool set_pinned(store::Repository& repository, const crypto::BlobId& id, bool pinned) {
  repository.refresh();
  for (int tries = 0; tries < kMostTries; ++tries) {
    const std::shared_ptr<const v1::RepositoryState> state = repository.state();
    const v1::SnapshotEntry* entry = store::find_snapshot(*state, id.view());
    if (entry == nullptr) {
      throw Error(ErrorKind::kNotFound, "there is no snapshot " + id.hex().substr(0, 12) + " any more");
    }
    if (entry->pinned() == pinned) return false;
    store::CommitPlan plan;
    plan.removal.decided_on = state->generation();
    (pinned ? plan.removal.pin : plan.removal.unpin).insert(id);
    if (!repository.commit(plan).overtaken) return true;
  }
  throw overtaken_again(repository);
}

}  // namespace garner::maintenance
