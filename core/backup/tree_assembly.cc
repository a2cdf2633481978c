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
  if (same_nodes_ > 0) take_same_nodes();
  earlier_.reset();
  return *builder_;
}

void TreeAssembly::take_same_nodes() {
  std::optional<snapshot::TreeReader> reader;
  for (; same_nodes_ > 0; --same_nodes_) {
    std::optional<snapshot::NamedNode> named;
    try {
      if (!reader) reader.emplace(source_, earlier_->id);
      named = reader->next();
    } catch (const Error& error) {
      // Others pass, and leave the checkpoint as it is.
      if (error.kind() != ErrorKind::kNotFound && error.kind() != ErrorKind::kDamaged) throw;
      throw EarlierTreeLost{error.what()};
    }
    if (!named)
      throw Error(ErrorKind::kInternal, "the earlier tree " + earlier_->id.hex() + " has become shorter");
    builder_->add(std::move(named->node));
  }
}

TreeAssembly::Result TreeAssembly::finish() {
  if (earlier_) return {*earlier_, true};
  return {builder().finish(), false};
}

}  // namespace garner::backup
