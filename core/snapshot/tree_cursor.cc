#include "snapshot/tree_cursor.h"

#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/tree.h"

namespace garner::snapshot {

std::optional<TreeCursor::Position> TreeCursor::here() {
  if (!is_open_) {
    is_open_ = true;
    open(id_, nullptr);
  }
  while (!levels_.empty()) {
    Level& level = levels_.back();
    // It was checked when it was read first; the same id has the same bytes.
    if (!level.page) level.page = load_page(source_, level.id, nullptr).page;
    if (level.next < level.page->nodes_size()) return Position{&level.page->nodes(level.next), nullptr};
    if (level.next < level.page->pages_size()) return Position{nullptr, &level.page->pages(level.next)};
    levels_.pop_back();
  }
  return std::nullopt;
}

void TreeCursor::enter() {
  Level& level = levels_.back();
  const v1::PageReference& reference = level.page->pages(level.next++);
  open(crypto::BlobId::from_bytes(as_bytes(reference.id())), &reference);
}

void TreeCursor::drop() {
  for (Level& level : levels_) level.page.reset();
}

void TreeCursor::open(const crypto::BlobId& id, const v1::PageReference* reference) {
  if (levels_.size() == kMaximumPageDepth) {
    throw Error(ErrorKind::kDamaged, "tree " + id.hex() + ": pages are nested too deep");
  }
  v1::TreePage page = load_page(source_, id, reference).page;
  if (page.nodes_size() > 0) {
    // Within a page the order was checked already.
    if (!last_name_.empty() && page.nodes(0).name() <= last_name_) {
      throw Error(ErrorKind::kDamaged, "tree " + id.hex() + ": it repeats names of the page before");
    }
    last_name_ = page.nodes(page.nodes_size() - 1).name();
  }
  levels_.push_back({id, std::move(page), 0});
}

}  // namespace garner::snapshot
