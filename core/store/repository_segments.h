// The segments that one commit makes of its packs. Part of Repository's implementation.
#pragma once

#include <string>
#include <vector>

#include "store/repository.h"

namespace garner::store {

struct Repository::Segments {
  std::vector<ObjectName> packs;      // that they are made of, in the plan's order
  std::vector<SealedSegment> sealed;  // durable at the destination, but for one that the record holds
  std::vector<Bytes> payloads;        // of the same segments
  bool inlined = false;               // there is only one, and the record holds it

  // Null for a segment that is not among them.
  const Bytes* payload_of(const std::string& name) const;
};

}  // namespace garner::store
