// Which of a run's destinations something concerns: a bit for each, by its number in the run's request.
#pragma once

#include <bit>
#include <cstdint>

namespace garner::store {

using TargetSet = std::uint8_t;
inline constexpr unsigned kMostTargets = 8;

constexpr TargetSet target_bit(unsigned number) { return static_cast<TargetSet>(1u << number); }
constexpr bool has_target(TargetSet set, unsigned number) { return (set >> number & 1u) != 0; }
constexpr TargetSet without(TargetSet set, TargetSet others) { return static_cast<TargetSet>(set & ~others); }

}  // namespace garner::store
