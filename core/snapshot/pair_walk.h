// Two versions of files and folders, walked side by side in name order.
//
// What has one id in both is passed over unread: whole trees, and of huge folders the pages that are the
// same. So the walk is as long as what differs, and what stands around that in the same pages.
//
// Where one place lies in another one, what is in the inner one is seen there, and not in the outer one.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "garner/v1/store.pb.h"
#include "snapshot/tree_cursor.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// A file or folder, and the path by which it and what is below it are named.
struct PlacedNode {
  std::string path;  // absolute
  v1::Node node;
};
// What is compared with what. With one of them alone, all of that is walked.
struct PlacePair {
  std::optional<PlacedNode> before;
  std::optional<PlacedNode> after;
};

// What stands in one place; null where a version has nothing there. All of it holds during the call.
struct NodePair {
  const v1::Node* before;
  const v1::Node* after;
  const std::string& before_path;  // where the version has it, or would have it
  const std::string& after_path;
  std::size_t place;  // number of the PlacePair, from 0
};

struct PairVisitor {
  // A folder before what is in it; nodes of one page come whether they differ or not.
  std::function<void(const NodePair&)> pair;
  // Of the folder at that path (the newer one where there are two) one version cannot be read from here on:
  // what is left of it is passed over. Error(kDestinationAway) and Error(kCancelled) are thrown instead.
  std::function<void(const std::string& path, const Error& error)> unreadable;
};

// Memory: the pages of the sixteen innermost folders, of each version; those further out are read again when
// the walk comes back to them. One thread at a time.
class PairWalk {
 public:
  // `places` and the sources, which may be one, outlive it.
  PairWalk(const std::vector<PlacePair>& places, store::BlobSource& before, store::BlobSource& after,
           PairVisitor visitor);

  // Goes on to the next pair, or out of a folder. False at the end.
  bool step();

 private:
  // A folder, in one version or both.
  struct Level {
    std::optional<TreeCursor> before;
    std::optional<TreeCursor> after;
    std::size_t before_size;  // of the folder's path
    std::size_t after_size;
  };
  struct Nodes {
    const v1::Node* before = nullptr;
    const v1::Node* after = nullptr;
  };
  static Nodes next_of(Level& level);
  void visit(const Nodes& nodes);

  const std::vector<PlacePair>& places_;
  store::BlobSource& before_;
  store::BlobSource& after_;
  const PairVisitor visitor_;
  std::set<std::string> before_places_;  // their paths
  std::set<std::string> after_places_;
  std::size_t next_place_ = 0;
  std::vector<Level> levels_;
  std::string before_path_;
  std::string after_path_;
};

}  // namespace garner::snapshot
