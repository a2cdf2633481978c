#include "history_groups.h"

#include <algorithm>
#include <map>
#include <utility>

#include "backup/same_names.h"
#include "base/bytes.h"

namespace garner::daemon {

namespace {

class Grouping {
 public:
  void add(const SnapshotCopies& snapshot) {
    const SnapshotCopy* taken = nullptr;
    std::size_t number = 0;
    for (const SnapshotCopy& copy : snapshot.copies) {
      const std::size_t own = number_of(copy);
      groups_[own].listed.push_back(id_of(copy));
      const bool has_row = !groups_[own].row.places.empty();
      if (taken != nullptr && (!has_row || !groups_[number].row.places.empty())) continue;
      taken = &copy;
      number = own;
    }
    if (!snapshot.wanted) return;
    HistoryRow& row = groups_[number].row;
    row.set = taken->snapshot->host() + "/" + taken->snapshot->set().name();
    row.places.push_back({0, &snapshot, taken});
  }

  std::vector<HistoryGroup> take() {
    for (HistoryGroup& group : groups_) {
      std::sort(group.listed.begin(), group.listed.end());
      group.listed.erase(std::unique(group.listed.begin(), group.listed.end()), group.listed.end());
    }
    return std::move(groups_);
  }

 private:
  std::size_t number_of(const SnapshotCopy& copy) {
    std::string& names = names_[copy.repository.get()];
    if (names.empty()) names = backup::names_of(*copy.repository);
    const std::string& set = copy.snapshot->set().uuid();
    const auto [known, is_new] = numbers_.try_emplace({names, set}, groups_.size());
    if (is_new) groups_.push_back({set, names, {}, {}});
    return known->second;
  }

  std::map<const store::Repository*, std::string> names_;
  std::map<std::pair<std::string, std::string>, std::size_t> numbers_;
  std::vector<HistoryGroup> groups_;
};

}  // namespace

crypto::BlobId id_of(const SnapshotCopy& copy) { return crypto::BlobId::from_bytes(from_hex(copy.id)); }

std::vector<HistoryGroup> group_snapshots(const SnapshotHistory& all) {
  Grouping grouping;
  for (const SnapshotCopies& snapshot : all.snapshots) grouping.add(snapshot);
  return grouping.take();
}

}  // namespace garner::daemon
