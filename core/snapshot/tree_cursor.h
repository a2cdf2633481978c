// One folder's tree, read front to back as TreeReader reads it, by somebody who may know some of its pages:
// the cursor stops at a page before that is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Memory: the pages above each other that lead to where it stands. One thread at a time.
class TreeCursor {
 public:
  // One of the two.
  struct Position {
    const v1::Node* node = nullptr;
    const v1::PageReference* page = nullptr;  // not read yet

    // The node's, or that of the first node below the page.
    std::string_view name() const { return node != nullptr ? node->name() : page->first_name(); }
  };

  // `source` outlives it. Nothing is read yet.
  TreeCursor(store::BlobSource& source, const crypto::BlobId& id) : source_(source), id_(id) {}

  // Where it stands; nothing at the end. What it points to holds until the next call of here(), enter() or
  // drop(). Errors: as BlobSource; Error(kDamaged) for pages that break the rules. After one the rest of the
  // folder is unknown.
  std::optional<Position> here();
  // Goes on behind what here() gave, a page unread.
  void pass() { ++levels_.back().next; }
  // Goes to the first of what is in the page that here() gave. Errors: as here().
  void enter();
  // Gives memory back; what is needed of it is read again.
  void drop();

 private:
  struct Level {
    crypto::BlobId id;
    std::optional<v1::TreePage> page;
    int next = 0;
  };
  void open(const crypto::BlobId& id, const v1::PageReference* reference);

  store::BlobSource& source_;
  crypto::BlobId id_;
  bool is_open_ = false;
  std::vector<Level> levels_;
  std::string last_name_;  // of the last page of nodes that was read
};

}  // namespace garner::snapshot
