#include "old_runs.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "all_snapshots.h"
#include "base/bytes.h"
#include "run_message.h"

namespace garner::daemon {

namespace {

// In one change of the catalog, for which others wait.
constexpr std::size_t kRemovedAtOnce = 200;

class Listed {
 public:
  explicit Listed(Destinations& destinations) {
    const AllSnapshots all = gather_snapshots(destinations, /*asks=*/false);
    are_all_known_ = all.trouble.empty();
    for (const SnapshotShelf& shelf : all.shelves) {
      for (const store::v1::SnapshotEntry& entry : shelf.state->snapshots())
        ids_.insert(to_hex(as_bytes(entry.id())));
    }
  }

  // Also under the id that it has where keys are others.
  bool may_have_snapshot_of(const catalog::RunRow& row) const {
    if (row.kind != catalog::RunKind::kBackup) return false;
    const v1::Run run = to_message(row);
    const auto may_have = [&](const std::string& id) {
      return !id.empty() && (!are_all_known_ || ids_.contains(id));
    };
    return may_have(run.snapshot_id()) ||
           std::ranges::any_of(run.destinations(),
                               [&](const v1::DestinationRun& part) { return may_have(part.snapshot_id()); });
  }

 private:
  std::unordered_set<std::string> ids_;
  bool are_all_known_ = false;
};

}  // namespace

std::size_t remove_old_runs(Destinations& destinations, std::uint64_t kept) {
  catalog::RunTable& runs = destinations.context().catalog.runs();
  const std::vector<std::int64_t> old = runs.old_runs(kept);
  if (old.empty()) return 0;
  const Listed listed(destinations);
  std::size_t removed = 0;
  std::vector<std::int64_t> numbers;
  const auto remove = [&] {
    runs.remove(numbers);
    removed += numbers.size();
    numbers.clear();
  };
  for (const std::int64_t number : old) {
    const auto row = runs.find(number);
    if (!row || listed.may_have_snapshot_of(*row)) continue;
    numbers.push_back(number);
    if (numbers.size() == kRemovedAtOnce) remove();
  }
  remove();
  return removed;
}

}  // namespace garner::daemon
