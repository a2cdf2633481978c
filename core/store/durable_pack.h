// What a writer tells of its packs so that a later process can take them over.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "store/pack.h"

namespace garner::store {

// A pack that is in no committed segment, as far as it is durable.
struct DurablePack {
  Uuid id;  // while it has no name
  PackKind kind = PackKind::kData;
  std::string path;  // its file in the staging folder
  // Set once it is closed. Its own list of frames is empty (they are in `frames`). It stands at `path`, or at
  // the destination under its name: the name is recorded before it is published.
  std::optional<FinishedPack> finished;
  std::vector<PackedFrame> frames;  // durable; when told by a writer, only those not told before
};

}  // namespace garner::store
