// Trees and snapshots of sample nodes, in memory.
#pragma once

#include <string>
#include <vector>

#include "memory_blobs.h"
#include "sample_nodes.h"
#include "snapshot/tree.h"

namespace garner::testing {

inline const snapshot::OwnerNames kNoNames;

inline snapshot::BuiltTree build(MemoryBlobs& blobs, const std::vector<v1::Node>& nodes) {
  snapshot::TreeBuilder builder(blobs, kNoNames);
  for (const v1::Node& node : nodes) builder.add(node);
  return builder.finish();
}

}  // namespace garner::testing
