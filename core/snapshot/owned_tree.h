// One folder's tree of a snapshot that somebody has, looked into while another version of the folder is
// walked.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Pages are read as they are asked for, and those on the way to the last one are kept: whoever asks in name
// order reads each page once at most. A page that cannot be read is one without anything in it;
// Error(kDestinationAway) and Error(kCancelled) are thrown. One thread at a time.
class OwnedTree {
 public:
  // `source` outlives it.
  OwnedTree(store::BlobSource& source, const crypto::BlobId& id) : source_(source), id_(id) {}

  const crypto::BlobId& id() const { return id_; }
  // The entry of that name, until the next call; null where there is none.
  const v1::Node* find(std::string_view name);
  // Whether the page that is referred to so is one of the tree's. May say no of a small page of pages that
  // is.
  bool has_page(const v1::PageReference& reference);
  // Gives memory back; what is asked for next is read again.
  void drop() { levels_.clear(); }

 private:
  static constexpr int kNone = -1;
  struct Level {
    v1::TreePage page;
    int entered = kNone;  // which of its pages the level below is
    int failed = kNone;   // which of them could not be read when it was tried last
  };
  bool open();
  // Makes the page below, of that number, the level after this one. False where it cannot be read.
  bool enter(std::size_t depth, int number);
  bool load(const crypto::BlobId& id, const v1::PageReference* reference);

  store::BlobSource& source_;
  const crypto::BlobId id_;
  std::vector<Level> levels_;
  bool unreadable_ = false;  // its first page
};

}  // namespace garner::snapshot
