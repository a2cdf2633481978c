// Trees and snapshots of sample nodes, in memory.
#pragma once

#include <string>
#include <vector>

#include "memory_blobs.h"
#include "sample_nodes.h"
#include "snapshot/tree.h"

namespace garner::testing {

inline const snapshot::OwnerNames kNoNames;

inline snapshot::BuiltTree build(store::BlobSink& blobs, const std::vector<v1::Node>& nodes,
                                 const snapshot::OwnerNames& names = kNoNames) {
  snapshot::TreeBuilder builder(blobs, names);
  for (const v1::Node& node : nodes) builder.add(node);
  return builder.finish();
}

inline v1::Snapshot snapshot_of(const snapshot::BuiltTree& tree, const std::string& path = "/home") {
  return sample_snapshot("home", 1000, sample_source(path, sample_folder("x", tree)));
}

}  // namespace garner::testing
