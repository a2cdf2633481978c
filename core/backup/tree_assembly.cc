#include "backup/tree_assembly.h"

#include "base/error.h"

namespace garner::backup {

void TreeAssembly::compare_with(const crypto::BlobId& tree, const v1::Totals& totals) {
  earlier_ = snapshot::BuiltTree{tree, totals};
}

void TreeAssembly::add(v1::Node node, bool same) {
  if (same && earlier_) {
    ++same_nodes_;
    return;
  }
  builder().add(std::move(node));
}

void TreeAssembly::missing() { builder(); }

// At the first difference the nodes that were the same so far are taken from the earlier tree.
snapshot::TreeBuilder& TreeAssembly::builder() {
  if (builder_) return *builder_;
  builder_.emplace(sink_, names_);
  if (same_nodes_ > 0) {
    snapshot::TreeReader reader(source_, earlier_->id);
    for (; same_nodes_ > 0; --same_nodes_) {
      auto named = reader.next();
      if (!named)
        throw Error(ErrorKind::kInternal, "the earlier tree " + earlier_->id.hex() + " has become shorter");
      builder_->add(std::move(named->node));
    }
  }
  earlier_.reset();
  return *builder_;
}

TreeAssembly::Result TreeAssembly::finish() {
  if (earlier_) return {*earlier_, true};
  return {builder().finish(), false};
}

}  // namespace garner::backup
