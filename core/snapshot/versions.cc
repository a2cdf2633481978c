#include "snapshot/versions.h"

#include <algorithm>

namespace garner::snapshot {

void VersionHistory::add(std::size_t snapshot, const std::string& set, const Sight& sight) {
  if (sight.kind == Sight::Kind::kOutside) return;
  ++snapshots_;
  if (sight.kind == Sight::Kind::kPresent) {
    holds_[set] = true;
    if (!gaps_.empty()) gaps_.back().ended = true;
    const auto [known, is_new] =
        appearances_.try_emplace(sight.version, Appearance{sight.version, snapshot, snapshot, 0});
    known->second.last = snapshot;
    ++known->second.snapshots;
    return;
  }
  const auto held = holds_.find(set);
  if (held == holds_.end()) return;
  held->second = false;
  if (std::any_of(holds_.begin(), holds_.end(), [](const auto& one) { return one.second; })) return;
  if (gaps_.empty() || gaps_.back().ended) gaps_.push_back({snapshot, snapshot, 0, false});
  gaps_.back().last = snapshot;
  ++gaps_.back().snapshots;
}

std::vector<VersionHistory::Appearance> VersionHistory::newest_first() const {
  std::vector<Appearance> all;
  for (const auto& [version, appearance] : appearances_) all.push_back(appearance);
  std::sort(all.begin(), all.end(), [](const Appearance& a, const Appearance& b) { return a.last > b.last; });
  return all;
}

}  // namespace garner::snapshot
