// What a writer tells of its packs so that a later process can take them over.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "store/pack.h"
#include "store/target_set.h"

namespace garner::store {

// What a finished pack is at one destination.
struct PackDelivery {
  unsigned target = 0;
  ObjectName name;            // recorded before it is published
  bool is_committed = false;  // it was in a committed segment there
};

// A pack that some of its destinations have in no committed segment, as far as it is durable.
struct DurablePack {
  Uuid id;  // while it has no name
  PackKind kind = PackKind::kData;
  std::string path;       // its file in the staging folder or spool
  TargetSet lacking = 1;  // the destinations it is for
  // Set once it is closed: the pack's size, and a name for each destination it is for. It stands at `path`
  // or, where all of them have it, only at these under its name.
  std::optional<std::uint64_t> size;
  std::vector<PackDelivery> deliveries;
  std::vector<PackedFrame> frames;  // durable; when told by a writer, only those not told before
};

// Of a record of each destination's log, by its number; 0: none.
using Generations = std::array<std::uint64_t, kMostTargets>;

}  // namespace garner::store
