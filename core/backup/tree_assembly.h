// Makes a folder's tree out of its nodes as they come in name order. As long as they are those of the earlier
// tree nothing is serialised: a folder in which nothing changed gets the earlier tree's id.
#pragma once

#include <optional>
#include <string>

#include "crypto/blob_id.h"
#include "snapshot/tree.h"

namespace garner::backup {

namespace v1 = store::v1;

// Thrown where the earlier tree cannot be read any more, though its folder was compared with it: somebody has
// forgotten its snapshot meanwhile, and pruned. Nodes that were taken for its own are known to nobody by
// then. No Error, for those are told of files, and this is of the run: another attempt (Attempt::make()).
struct EarlierTreeLost {
  std::string why;
};

// One thread at a time.
class TreeAssembly {
 public:
  TreeAssembly(store::BlobSource& source, store::BlobSink& sink, const snapshot::OwnerNames& names)
      : source_(source), sink_(sink), names_(names) {}

  // The earlier tree and its totals. Before anything else. All that follows may say EarlierTreeLost.
  void compare_with(const crypto::BlobId& tree, const v1::Totals& totals);
  // `same`: the node is the earlier tree's next one, unchanged.
  void add(v1::Node node, bool same);
  // The earlier tree has a node next that is not there any more.
  void missing();

  struct Result {
    snapshot::BuiltTree tree;
    bool same = false;  // it is the earlier tree
  };
  Result finish();

 private:
  snapshot::TreeBuilder& builder();
  void take_same_nodes();
  store::BlobSource& source_;
  store::BlobSink& sink_;
  const snapshot::OwnerNames& names_;
  std::optional<snapshot::BuiltTree> earlier_;  // while everything is the same
  std::size_t same_nodes_ = 0;
  std::optional<snapshot::TreeBuilder> builder_;
};

}  // namespace garner::backup
