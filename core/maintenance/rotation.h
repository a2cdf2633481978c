// Which packs a check reads whole, so that day by day a part of the data is verified and all of it once in a
// period.
//
// Each pack is to be read again a period after it was verified, or first seen, less a tenth of the period, so
// that a few missed days break nothing. Of the packs in the order of these dates, each beginning of the list
// must be read by its last date; spread over the runs that will come until then, that is a number of bytes a
// run. A run reads as much as the most demanding of them asks for, oldest first. So equal parts are read as
// long as nothing changes, and new packs, removed ones and missed runs raise or lower the part by themselves.
// (It is scheduling by earliest deadlines: Liu and Layland, 1973, at the least rate that is feasible.)
#pragma once

#include <cstdint>
#include <vector>

#include "store/object_name.h"

namespace garner::maintenance {

struct PackSize {
  store::ObjectName name;
  std::uint64_t size = 0;  // bytes
  bool operator==(const PackSize&) const = default;
};

// Times are seconds since 1970.
struct PackToVerify {
  PackSize pack;
  std::int64_t since = 0;  // when it was last verified, or first seen
  bool damaged = false;    // it was when it was read last: read again whatever its date
};

struct Rotation {
  std::int64_t now = 0;     // when the run was asked for
  std::int64_t period = 0;  // seconds
  std::vector<std::int64_t>
      later_runs;                 // ascending: when the next ones will be asked for, up to now + period
  std::uint64_t read_before = 0;  // bytes that this run read in an earlier attempt: none of `packs`
};

// In the order in which they are to be read. At least one, as long as there is any.
std::vector<store::ObjectName> choose_for_rotation(std::vector<PackToVerify> packs, const Rotation& rotation);

}  // namespace garner::maintenance
