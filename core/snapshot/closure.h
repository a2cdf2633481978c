// Everything a tree refers to.
#pragma once

#include <functional>

#include "garner/v1/store.pb.h"
#include "store/blob_source.h"
#include "store/repository.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Calls `visit` for each blob below the snapshot's sources (trees, content lists, data, of a difference its
// base and its patch; the snapshot's own blob is not among them), with the path of a file or folder that
// refers to it. `visit` returns false for a tree or list below which nothing is to be visited (because it was
// seen already, say): memory is the caller's to bound. A tree or list that cannot be read, breaks the rules
// or is not what refers to it says is reported through `unreadable` and skipped; Error(kDestinationAway) and
// Error(kCancelled), which say nothing of the blob, end the walk. Memory: a few pages and one path, however
// deep folders are nested.
struct ClosureVisitor {
  std::function<bool(crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path)> visit;
  std::function<void(crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path,
                     const std::string& error)>
      unreadable;
  // Optional: some content is stored as a difference, which takes a feature of whoever reads it.
  std::function<void()> difference = {};
};
void walk_closure(const v1::Snapshot& snapshot, store::BlobSource& source, const ClosureVisitor& visitor);

// Whether every blob below the snapshot has a live location, and the trees and lists among them can be read.
// Memory: the ids of these.
bool is_complete(store::Repository& repository, const v1::Snapshot& snapshot);

}  // namespace garner::snapshot
