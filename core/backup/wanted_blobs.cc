#include "backup/wanted_blobs.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <tuple>

namespace garner::backup {

WantedBlobs::WantedBlobs(const std::vector<Supplier>& suppliers) {
  for (const Supplier& supplier : suppliers) {
    Part part{supplier.repository->index().freeze(), {}};
    part.bits.resize((part.index.size() + 63) / 64);
    parts_.push_back(std::move(part));
  }
}

bool WantedBlobs::add(const crypto::BlobId& id) {
  for (Part& part : parts_) {
    const std::optional<std::uint64_t> number = part.index.number(id);
    if (!number) continue;
    part.bits[*number / 64] |= std::uint64_t{1} << (*number % 64);
    return true;
  }
  return false;
}

bool WantedBlobs::is_wanted_from(std::size_t repository, const store::ObjectName& pack,
                                 const crypto::BlobId& id) const {
  const Part& part = parts_[repository];
  const std::optional<std::uint64_t> number = part.index.number(id);
  return number && part.has(*number) && part.index.pack(id) == pack;
}

std::vector<WantedPack> WantedBlobs::packs() const {
  std::vector<WantedPack> packs;
  for (std::size_t repository = 0; repository < parts_.size(); ++repository) {
    const Part& part = parts_[repository];
    boost::unordered_flat_map<store::ObjectName, std::size_t, store::ObjectNameHash> places;
    part.index.for_each([&](const store::Index::Frozen::Entry& entry) {
      if (!part.has(entry.number)) return;
      const auto [place, is_new] = places.try_emplace(*entry.pack, packs.size());
      if (is_new) packs.push_back({repository, *entry.pack, store::pack_kind(entry.kind), 0, 0});
      ++packs[place->second].blobs;
      packs[place->second].bytes += entry.length;
    });
  }
  std::sort(packs.begin(), packs.end(), [](const WantedPack& a, const WantedPack& b) {
    return std::tie(a.kind, a.repository, a.name) < std::tie(b.kind, b.repository, b.name);
  });
  return packs;
}

}  // namespace garner::backup
