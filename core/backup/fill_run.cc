#include "backup/fill_run.h"

#include <algorithm>
#include <utility>

#include "backup/base_snapshot.h"
#include "base/error.h"

namespace garner::backup {

namespace {

class Filling final : public CarryWay {
 public:
  Filling(const v1::SnapshotEntry& entry, const std::vector<Supplier>& suppliers, const Clock& clock)
      : entry_(entry), suppliers_(suppliers), clock_(clock) {}

  const v1::SnapshotEntry* find_owned(const v1::RepositoryState& state) override {
    const v1::SnapshotEntry* base =
        find_base(state, entry_.snapshot().set(), entry_.snapshot().host(), clock_.now());
    return base != nullptr && !base->recovered() ? base : nullptr;
  }

  bool may_carry_differences() const override {
    return std::ranges::any_of(suppliers_, [](const Supplier& supplier) {
      return (store::features_of(*supplier.repository->state()).read & store::kDifferencesFeature) != 0;
    });
  }

  CarriedSnapshot carry(const FillContext& context, const v1::SnapshotEntry* owned) override {
    std::vector<const v1::Snapshot*> spared;
    if (owned != nullptr) spared.push_back(&owned->snapshot());
    FillResult found = fill(context, entry_.snapshot(), spared);
    return {entry_, std::move(found.names), std::move(found.suppliers), std::move(found.lost)};
  }

 private:
  const v1::SnapshotEntry& entry_;
  const std::vector<Supplier>& suppliers_;
  const Clock& clock_;
};

}  // namespace

FilledTarget run_fill(store::Repository& target, const v1::SnapshotEntry& entry,
                      const std::vector<Supplier>& suppliers, CheckpointStore& checkpoint,
                      const FillOptions& options, const Clock& clock, BackupMonitor& monitor,
                      std::stop_token stop) {
  for (const Supplier& supplier : suppliers) {
    if (!has_same_names(target, *supplier.repository))
      throw Error(ErrorKind::kInternal, supplier.name + " names content otherwise than its target");
  }
  Filling filling(entry, suppliers, clock);
  return run_carry(target, entry, suppliers, checkpoint, options, clock, monitor, filling, std::move(stop));
}

}  // namespace garner::backup
