// How many bytes of content only some snapshots hold: what forgetting them gives back. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "catalog/history/history.h"

namespace garner::catalog {

// Snapshots that are asked about together. What another snapshot holds as well belongs to none of them.
using SnapshotGroup = std::size_t;
inline constexpr SnapshotGroup kNoGroup = std::numeric_limits<SnapshotGroup>::max();

// One history, and those of its snapshots that count; others hold nothing.
struct HeldContent {
  // As History::holdings(); asked several times, and tells the same each time.
  std::function<void(const std::function<void(const Holding&)>&)> holdings;
  struct Listed {
    std::int64_t number = 0;
    SnapshotGroup group = kNoGroup;
  };
  std::vector<Listed> listed;  // numbers ascending, each once
};

// Of each group, the raw bytes of the blobs that only its snapshots hold, each blob once. All histories name
// content alike. Two passes over the holdings, and twice as many for each time that the blobs which only one
// group seems to hold are more than `most`. Memory: 32 bytes for each of these. Errors: as holdings().
inline constexpr std::size_t kMostCandidates = 4'000'000;
std::vector<std::uint64_t> exclusive_bytes(const std::vector<HeldContent>& histories, std::size_t groups,
                                           std::size_t most = kMostCandidates);

}  // namespace garner::catalog
