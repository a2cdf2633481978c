#include "maintenance/pack_use.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>

#include "store/padding.h"

namespace garner::maintenance {

std::vector<PackUse> count_use(const Marks& marks) {
  std::vector<PackUse> packs;
  boost::unordered_flat_map<store::ObjectName, std::size_t, store::ObjectNameHash> places;
  marks.index().for_each([&](const store::Index::Frozen::Entry& entry) {
    const auto [place, is_new] = places.try_emplace(*entry.pack, packs.size());
    if (is_new) packs.push_back({*entry.pack, store::pack_kind(entry.kind)});
    PackUse& pack = packs[place->second];
    pack.raw += entry.length;
    if (!marks.is_marked(entry.number)) return;
    pack.live_raw += entry.length;
    ++pack.live_blobs;
  });
  return packs;
}

PackChoice choose_packs(std::vector<PackUse> packs, const std::set<store::ObjectName>& keep,
                        const PruneOptions& options, PruneResult& result) {
  PackChoice choice;
  std::vector<PackUse> candidates;
  for (PackUse& pack : packs) {
    const std::uint64_t unused = pack.live_blobs == 0 ? pack.size : pack.size - pack.live_bytes();
    if (keep.contains(pack.name)) {
      result.unused_in_runs += unused;
    } else if (pack.live_blobs == 0) {
      choice.dead.push_back(pack);
    } else if (1 - pack.live_share() > options.max_unused) {
      candidates.push_back(pack);
    } else {
      result.unused_in_use_packs += unused;
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const PackUse& a, const PackUse& b) {
    return a.live_share() != b.live_share() ? a.live_share() < b.live_share() : a.name < b.name;
  });
  std::uint64_t copied = 0;
  for (const store::PackKind kind : {store::PackKind::kMetadata, store::PackKind::kData}) {
    std::vector<PackUse> chosen;
    std::uint64_t sizes = 0;
    std::uint64_t live = 0;
    for (const PackUse& pack : candidates) {
      if (pack.kind != kind) continue;
      if (copied + pack.live_bytes() > options.rewrite_limit) {
        result.unused_beyond_limit += pack.size - pack.live_bytes();
        continue;
      }
      copied += pack.live_bytes();
      sizes += pack.size;
      live += pack.live_bytes();
      chosen.push_back(pack);
    }
    // A pack is padded: of a few small ones nothing is won.
    if (store::padded_pack_size(live) < sizes) {
      choice.rewrite.insert(choice.rewrite.end(), chosen.begin(), chosen.end());
    } else {
      for (const PackUse& pack : chosen) result.unused_not_worth += pack.size - pack.live_bytes();
    }
  }
  return choice;
}

}  // namespace garner::maintenance
