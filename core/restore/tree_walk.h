// Walks a snapshot's tree folder by folder, in name order, without recursion and with the pages of a bounded
// number of folders in memory, however deep the tree is.
#pragma once

#include <stop_token>

#include "base/error.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::restore {

namespace v1 = store::v1;

class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;
  // A folder, before what is in it. False leaves out what is in it; leave() is not called then.
  virtual bool enter(const v1::Node& folder) = 0;
  // The folder that was entered last, after what is in it.
  virtual void leave(const v1::Node& folder) = 0;
  // Everything that is no folder.
  virtual void visit(const v1::Node& node) = 0;
  // What is left in the folder that was entered last cannot be read. leave() follows.
  virtual void unreadable(const Error& error) = 0;
};

// `root`, a folder or not, is told first. Error(kCancelled) when `stop` is requested; errors of the
// destination other than damage.
void walk_tree(const v1::Node& root, store::BlobSource& source, TreeVisitor& visitor,
               const std::stop_token& stop);

}  // namespace garner::restore
