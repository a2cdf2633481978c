#include "backup/rename_run.h"

#include <optional>
#include <utility>

#include "backup/renamer.h"
#include "base/error.h"
#include "snapshot/age.h"
#include "snapshot/node.h"

namespace garner::backup {

namespace {

class Renaming final : public CarryWay {
 public:
  Renaming(const v1::SnapshotEntry& entry, const std::vector<Supplier>& suppliers, const Clock& clock)
      : entry_(entry), suppliers_(suppliers), clock_(clock) {}

  // The set's newest that a supplier lists as well: it was copied earlier.
  const v1::SnapshotEntry* find_owned(const v1::RepositoryState& state) override {
    const TimePoint now = clock_.now();
    const v1::SnapshotEntry* newest = nullptr;
    for (const v1::SnapshotEntry& entry : state.snapshots()) {
      if (entry.recovered() || entry.snapshot().set().uuid() != entry_.snapshot().set().uuid()) continue;
      const bool is_newer =
          newest == nullptr || snapshot::is_older(snapshot::from_proto(newest->snapshot().finished()),
                                                  snapshot::from_proto(entry.snapshot().finished()), now);
      if (is_newer && find_there(entry.snapshot().run())) newest = &entry;
    }
    return newest;
  }

  bool may_carry_differences() const override { return false; }

  CarriedSnapshot carry(const FillContext& context, const v1::SnapshotEntry* owned) override {
    std::optional<BothNames> known;
    if (owned != nullptr) {
      if (auto there = find_there(owned->snapshot().run()))
        known = BothNames{*std::move(there), owned->snapshot()};
    }
    RenameResult renamed = rename_content(context, entry_.snapshot(), known);
    CarriedSnapshot carried;
    const crypto::BlobId id = context.target.hasher().id(crypto::BlobKind::kSnapshot,
                                                         as_bytes(snapshot::serialize(renamed.snapshot)));
    carried.entry.set_id(id.value.data(), id.value.size());
    carried.entry.set_recovered(entry_.recovered());
    *carried.entry.mutable_snapshot() = std::move(renamed.snapshot);
    carried.suppliers = std::move(renamed.suppliers);
    carried.lost = std::move(renamed.lost);
    return carried;
  }

 private:
  std::optional<v1::Snapshot> find_there(const std::string& run) const {
    for (const Supplier& supplier : suppliers_) {
      const auto state = supplier.repository->state();
      const v1::SnapshotEntry* entry = store::find_snapshot_of_run(*state, as_bytes(run));
      if (entry != nullptr && !entry->recovered()) return entry->snapshot();
    }
    return std::nullopt;
  }

  const v1::SnapshotEntry& entry_;
  const std::vector<Supplier>& suppliers_;
  const Clock& clock_;
};

}  // namespace

FilledTarget run_rename(store::Repository& target, const v1::SnapshotEntry& entry,
                        const std::vector<Supplier>& suppliers, CheckpointStore& checkpoint,
                        const FillOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop) {
  if (suppliers.empty()) throw Error(ErrorKind::kInternal, "a snapshot is to be copied from nowhere");
  for (const Supplier& supplier : suppliers) {
    if (supplier.repository->keyring().id() != suppliers.front().repository->keyring().id())
      throw Error(ErrorKind::kInternal, supplier.name + " has other keys than the suppliers beside it");
  }
  Renaming renaming(entry, suppliers, clock);
  return run_carry(target, entry, suppliers, checkpoint, options, clock, monitor, renaming, std::move(stop));
}

}  // namespace garner::backup
