// Which structure of a snapshot names a blob: the content list or tree page that does so itself, or the
// snapshot, which names the trees of its sources.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

struct Pointer {
  enum class Kind { kSnapshot, kTreePage, kList };
  Kind kind = Kind::kSnapshot;
  crypto::BlobId id;  // of a page or list
};

// What names the blob as part of the file or folder at that path, absolute and normal; nothing where nothing
// does. `is_wanted` is asked of ids, as bytes. Reads the way to the path, and of the file's lists or the
// folder's own pages as much as it takes. Errors: as BlobSource; Error(kDamaged); Error(kNotFound) without
// such a path.
std::optional<Pointer> find_pointer(const v1::Snapshot& snapshot, const std::string& path,
                                    store::BlobSource& source,
                                    const std::function<bool(std::string_view id)>& is_wanted);

}  // namespace garner::snapshot
