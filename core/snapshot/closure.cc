#include "snapshot/closure.h"

#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/walk_new.h"

namespace garner::snapshot {

void walk_closure(const v1::Snapshot& snapshot, store::BlobSource& source, const ClosureVisitor& visitor) {
  walk_new(snapshot, {}, source, visitor);
}

Completeness::Completeness(store::BlobSource& source, IsStored is_stored, std::stop_token stop)
    : source_(source), is_stored_(std::move(is_stored)), stop_(std::move(stop)) {}

Completeness::Completeness(store::Repository& repository, std::stop_token stop)
    : own_source_(repository.stored()),
      source_(*own_source_),
      is_stored_([&repository](crypto::BlobKind, const crypto::BlobId& id) {
        return repository.index().find_pack(id).has_value();
      }),
      stop_(std::move(stop)) {}

std::optional<std::string> Completeness::first_missing(const v1::Snapshot& snapshot) {
  std::optional<std::string> missing;
  ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
    if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
    if (missing) return false;
    if (kind != crypto::BlobKind::kData && (complete_.contains(id) || !visited_.insert(id))) return false;
    if (!is_stored_(kind, id)) {
      missing = (kind == crypto::BlobKind::kTree ? "the list of what is in " : "content of ") +
                printable(path) + " is in no pack";
    }
    return !missing;
  };
  visitor.unreadable = [&](crypto::BlobKind, const crypto::BlobId&, const std::string& path,
                           const std::string& error) {
    if (!missing) missing = printable(path) + ": " + error;
  };
  visitor.difference = [&] { found_differences_ = true; };
  visited_.clear();
  walk_closure(snapshot, source_, visitor);
  // What a complete snapshot holds is complete.
  if (!missing) complete_.merge(visited_);
  return missing;
}

}  // namespace garner::snapshot
