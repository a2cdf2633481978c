// What changed between two snapshots, or between two places in them.
//
// Both are walked twice (pair_walk.h): what was renamed is known only when all that was removed and added has
// been seen, and changes are told in path order. So the first walk remembers files that were removed or
// added, up to a bound (renames.h), and the second one tells; no change waits in memory. Content is the same
// in whatever way it is stored (same_content.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "garner/v1/store.pb.h"
#include "snapshot/pair_walk.h"
#include "snapshot/renames.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

enum class ChangeKind {
  kAdded,
  kRemoved,
  kContent,  // of a file; where a symbolic link leads, which device it is
  kMetadata,
  kType,  // something of another type has its name; what was or is below it is removed or added
  kRenamed,
};

// All of it holds during the call.
struct Change {
  ChangeKind kind;
  const std::string& path;  // in the newer version; of what was removed, in the older one
  const std::string&
      old_path;            // in the older version: another one for kRenamed, or where two places are compared
  const v1::Node* before;  // null for kAdded and kRenamed
  const v1::Node* after;   // null for kRemoved
  // What differs, for kContent and kMetadata: "mode", "owner" (by number), "mtime", "xattrs", "acl", "flags",
  // "links" (how many), "target", "device". The rest of a node is recorded to detect changes, and is none.
  std::vector<std::string_view> fields;
};

// Of each kind what change() was told, or would have been. The older version's totals, less what was removed,
// with what was added and what the content of files has grown by, are those of the newer one: so what changed
// its type is counted in `removed` as what it was and in `added` as what it is.
struct DiffSummary {
  v1::Totals added;
  v1::Totals removed;
  std::uint64_t content = 0;               // also of links and devices
  std::uint64_t content_bytes_before = 0;  // of the files among these, all of each
  std::uint64_t content_bytes_after = 0;
  std::uint64_t metadata = 0;
  std::uint64_t types = 0;
  std::uint64_t renamed = 0;
  std::uint64_t renamed_bytes = 0;
  std::uint64_t unreadable = 0;  // folders
};

struct DiffVisitor {
  // In path order, place by place: by name in each folder, bytewise, and a folder before what is in it.
  std::function<void(const Change&)> change;
  // As PairVisitor has it.
  std::function<void(const std::string& path, const Error& error)> unreadable;
};

// The sources of both, matched by their paths. A source that one of them does not have is matched with what
// the other one has at its path below another source, and stands alone where that is nothing. Errors:
// Error(kDestinationAway), Error(kCancelled).
std::vector<PlacePair> sources_side_by_side(const v1::Snapshot& before, store::BlobSource& before_source,
                                            const v1::Snapshot& after, store::BlobSource& after_source);

// Content is compared by its ids, so both must have been named by one keyring and cut alike.
// One thread at a time.
class Diff {
 public:
  // The sources, which may be one, outlive it.
  Diff(std::vector<PlacePair> places, store::BlobSource& before, store::BlobSource& after,
       DiffVisitor visitor);
  Diff(const Diff&) = delete;
  Diff& operator=(const Diff&) = delete;

  // Goes on by a little, and tells one change or error at most; false when all is told. Errors:
  // Error(kDestinationAway), Error(kCancelled).
  bool step();
  // Of what was told so far.
  const DiffSummary& summary() const { return summary_; }

 private:
  void remember(const NodePair& pair);
  void tell(const NodePair& pair);
  void tell_both(const NodePair& pair);
  bool has_same_content(const v1::Node& before, const v1::Node& after);

  enum class Stage { kRemember, kMatch, kTell };

  const std::vector<PlacePair> places_;
  store::BlobSource& before_;
  store::BlobSource& after_;
  const DiffVisitor visitor_;
  Renames renames_;
  DiffSummary summary_;
  PairWalk first_;
  PairWalk second_;
  Stage stage_ = Stage::kRemember;
};

}  // namespace garner::snapshot
