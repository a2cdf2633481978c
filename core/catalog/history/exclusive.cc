#include "catalog/history/exclusive.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <optional>

namespace garner::catalog {
namespace {

// Who holds what a span has: nobody, snapshots of one group, or others as well (kNoGroup).
class Holders {
 public:
  explicit Holders(const std::vector<HeldContent::Listed>& listed)
      : listed_(listed), group_ends_(listed.size()) {
    for (std::size_t i = listed.size(); i-- > 0;) {
      const bool goes_on = i + 1 < listed.size() && listed[i].group == listed[i + 1].group;
      group_ends_[i] = goes_on ? group_ends_[i + 1] : i + 1;
    }
  }

  std::optional<SnapshotGroup> of(const Span& span) const {
    const auto first = std::lower_bound(
        listed_.begin(), listed_.end(), span.first,
        [](const HeldContent::Listed& one, std::int64_t number) { return one.number < number; });
    const auto end = std::upper_bound(
        first, listed_.end(), span.last,
        [](std::int64_t number, const HeldContent::Listed& one) { return number < one.number; });
    if (first == end) return std::nullopt;
    const auto at = static_cast<std::size_t>(first - listed_.begin());
    return group_ends_[at] >= static_cast<std::size_t>(end - listed_.begin()) ? first->group : kNoGroup;
  }

 private:
  const std::vector<HeldContent::Listed>& listed_;
  std::vector<std::size_t> group_ends_;  // of each: behind the last in a row of one group
};

// Some of the blobs, by the lowest bits of their numbers, which are as good as drawn.
struct Part {
  unsigned bits = 0;
  std::uint64_t value = 0;
  bool has(BlobPrefix blob) const {
    return (static_cast<std::uint64_t>(blob) & ((std::uint64_t{1} << bits) - 1)) == value;
  }
};

class Count {
 public:
  Count(const std::vector<HeldContent>& histories, std::size_t groups, std::size_t most)
      : histories_(histories), most_(most), bytes_(groups) {
    for (const HeldContent& history : histories) holders_.emplace_back(history.listed);
  }

  std::vector<std::uint64_t> run() {
    std::vector<Part> parts{{}};
    while (!parts.empty()) {
      Part part = parts.back();
      parts.pop_back();
      gather(part, parts);
      strike();
      for (const auto& [blob, candidate] : candidates_) {
        if (candidate.group != kNoGroup) bytes_[candidate.group] += candidate.bytes;
      }
      candidates_.clear();
    }
    return std::move(bytes_);
  }

 private:
  struct Candidate {
    SnapshotGroup group = kNoGroup;
    std::uint64_t bytes = 0;
  };

  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = 0; i < histories_.size(); ++i) {
      histories_[i].holdings([&](const Holding& holding) {
        if (const auto group = holders_[i].of(holding.span)) visit(holding, *group);
      });
    }
  }

  // What some group alone holds in one place. Of too many only a part; the other one is left for later.
  void gather(Part& part, std::vector<Part>& later) {
    for_each([&](const Holding& holding, SnapshotGroup group) {
      if (group == kNoGroup || !part.has(holding.blob)) return;
      candidates_.try_emplace(holding.blob, Candidate{group, holding.bytes});
      while (candidates_.size() > most_ && part.bits < 63) {
        later.push_back({part.bits + 1, part.value | std::uint64_t{1} << part.bits});
        ++part.bits;
        erase_if(candidates_, [&](const auto& one) { return !part.has(one.first); });
      }
    });
  }

  // Takes out what others hold in another place.
  void strike() {
    for_each([&](const Holding& holding, SnapshotGroup group) {
      const auto found = candidates_.find(holding.blob);
      if (found != candidates_.end() && found->second.group != group) found->second.group = kNoGroup;
    });
  }

  const std::vector<HeldContent>& histories_;
  const std::size_t most_;
  std::vector<Holders> holders_;
  boost::unordered_flat_map<BlobPrefix, Candidate> candidates_;
  std::vector<std::uint64_t> bytes_;
};

}  // namespace

std::vector<std::uint64_t> exclusive_bytes(const std::vector<HeldContent>& histories, std::size_t groups,
                                           std::size_t most) {
  return Count(histories, groups, most).run();
}

}  // namespace garner::catalog
