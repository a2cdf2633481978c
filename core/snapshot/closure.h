// Everything a tree refers to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "crypto/blob_id.h"
#include "crypto/id_set.h"
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
  // Optional: how long a blob that a file has whole is said to be, in bytes.
  std::function<void(const crypto::BlobId& id, std::uint64_t length, const std::string& path)> length = {};
};
void walk_closure(const v1::Snapshot& snapshot, store::BlobSource& source, const ClosureVisitor& visitor);

// Whether all that is below a snapshot is stored, asked of one snapshot after the other: trees and lists of
// one that is complete are not walked again for the next, so that nothing may be removed between the first
// question and the last. One thread at a time. Memory: 16 bytes a tree or list.
class Completeness {
 public:
  // Asked for every blob. Trees and lists that are stored have to be readable in `source` as well, and what
  // they are said to be.
  using IsStored = std::function<bool(crypto::BlobKind kind, const crypto::BlobId& id)>;
  // `source` outlives it.
  Completeness(store::BlobSource& source, IsStored is_stored, std::stop_token stop);
  // Stored is what has a live location, and can be read at the destination itself.
  Completeness(store::Repository& repository, std::stop_token stop);

  // The first that the snapshot lacks, for people; nothing where it lacks nothing. Error(kDestinationAway);
  // Error(kCancelled), also when `stop` was requested.
  std::optional<std::string> first_missing(const v1::Snapshot& snapshot);
  bool is_complete(const v1::Snapshot& snapshot) { return !first_missing(snapshot); }
  // Whether any content that was walked is stored as a difference.
  bool found_differences() const { return found_differences_; }

 private:
  const std::unique_ptr<store::BlobSource> own_source_;
  store::BlobSource& source_;
  const IsStored is_stored_;
  const std::stop_token stop_;
  crypto::IdSet complete_;  // trees and lists with everything below them
  crypto::IdSet visited_;   // of the snapshot that is being walked
  bool found_differences_ = false;
};

}  // namespace garner::snapshot
