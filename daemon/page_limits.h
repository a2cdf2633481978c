// Limits of answers that come in pages: searches, and what changed between snapshots.
#pragma once

#include <cstddef>
#include <cstdint>

#include "refuse.h"

namespace garner::daemon {

// Of a page: paths may be long.
inline constexpr std::size_t kMostPathBytes = 256u << 10;
// Steps after which others have their turn.
inline constexpr int kStepsAtOnce = 2'000;

// How many matches a search tells that was asked for `limit` of them: `usual` for 0. Error(kInvalidInput)
// above `most`.
inline std::size_t checked_limit(std::uint32_t limit, std::size_t usual, std::uint32_t most) {
  if (limit > most) refuse("a search finds up to " + std::to_string(most) + " matches");
  return limit == 0 ? usual : limit;
}

}  // namespace garner::daemon
