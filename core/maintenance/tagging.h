// Tags of snapshots, changed.
#pragma once

#include <optional>
#include <vector>

#include "store/repository.h"

namespace garner::maintenance {

struct TagEdit {
  std::optional<store::Tags> replace;  // all tags that there are from then on; or these two:
  store::Tags add;
  store::Tags remove;
};

struct TaggedSnapshot {
  crypto::BlobId id;
  store::Tags tags;  // from now on
  bool changed = false;
};

// Does so with each of `ids` that is listed, in one record, and tells of them in their order; no record where
// there is nothing to do. Error(kInvalidInput) for what is no tag, and when a snapshot would have more than
// it may; Error(kConflict) when others commit all the time; Error(kPermissionDenied).
std::vector<TaggedSnapshot> edit_tags(store::Repository& repository, const std::vector<crypto::BlobId>& ids,
                                      const TagEdit& edit);

}  // namespace garner::maintenance
