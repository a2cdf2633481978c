// How much of each pack is in use, and what a prune does with it.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "maintenance/mark.h"
#include "maintenance/prune.h"

namespace garner::maintenance {

struct PackUse {
  store::ObjectName name;
  store::PackKind kind = store::PackKind::kData;
  std::uint64_t size = 0;      // stored bytes
  std::uint64_t raw = 0;       // of all its blobs
  std::uint64_t live_raw = 0;  // of those in use
  std::uint64_t live_blobs = 0;
  double live_share() const {
    return raw == 0 ? 1 : static_cast<double>(live_raw) / static_cast<double>(raw);
  }
  // What is stored of blobs in use, by their share of the raw bytes.
  std::uint64_t live_bytes() const {
    return static_cast<std::uint64_t>(static_cast<double>(size) * live_share());
  }
};

// Every live pack of the index as it was when marking began. One pass over all entries; 100 bytes a pack.
// Sizes are left to the caller.
std::vector<PackUse> count_use(const Marks& marks);

struct PackChoice {
  std::vector<PackUse> dead;
  std::vector<PackUse> rewrite;  // those with least in use first
};

// What is left where it is is added to the result's figures. `keep`: packs that stay as they are.
PackChoice choose_packs(std::vector<PackUse> packs, const std::set<store::ObjectName>& keep,
                        const PruneOptions& options, PruneResult& result);

}  // namespace garner::maintenance
