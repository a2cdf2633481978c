#include "maintenance/rotation.h"

#include <algorithm>
#include <tuple>

namespace garner::maintenance {
namespace {

// The part of the period that is left for runs that do not come.
constexpr std::int64_t kReserve = 10;

}  // namespace

std::vector<store::ObjectName> choose_for_rotation(std::vector<PackToVerify> packs,
                                                   const Rotation& rotation) {
  std::sort(packs.begin(), packs.end(), [](const PackToVerify& a, const PackToVerify& b) {
    return std::tie(b.damaged, a.since, a.pack.name) < std::tie(a.damaged, b.since, b.pack.name);
  });
  std::uint64_t wanted = 0;
  std::uint64_t damaged = 0;
  std::uint64_t sum = rotation.read_before;
  auto later = rotation.later_runs.begin();
  for (const PackToVerify& one : packs) {
    // Those come on top of the others' share, in every run.
    if (one.damaged) {
      damaged += one.pack.size;
      continue;
    }
    sum += one.pack.size;
    const std::int64_t date = one.since + rotation.period - rotation.period / kReserve;
    while (later != rotation.later_runs.end() && *later <= date) ++later;
    const auto runs = static_cast<std::uint64_t>(later - rotation.later_runs.begin()) + 1;
    wanted = std::max(wanted, sum / runs + (sum % runs == 0 ? 0 : 1));
  }
  wanted = damaged + (wanted > rotation.read_before ? wanted - rotation.read_before : 0);
  std::vector<store::ObjectName> chosen;
  std::uint64_t bytes = 0;
  for (const PackToVerify& one : packs) {
    if (bytes >= wanted) break;
    bytes += one.pack.size;
    chosen.push_back(one.pack.name);
  }
  return chosen;
}

}  // namespace garner::maintenance
