#include "snapshot/owned_tree.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/parse.h"
#include "snapshot/tree.h"

namespace garner::snapshot {

namespace {

// Of a page of pages: the one in which the name would be; -1 where it would be before all of them.
int page_of(const v1::TreePage& page, std::string_view name) {
  const auto after = std::upper_bound(
      page.pages().begin(), page.pages().end(), name,
      [](std::string_view wanted, const v1::PageReference& one) { return wanted < one.first_name(); });
  return static_cast<int>(std::distance(page.pages().begin(), after)) - 1;
}

}  // namespace

bool OwnedTree::open() {
  if (levels_.empty() && !unreadable_) unreadable_ = !load(id_, nullptr);
  return !unreadable_;
}

bool OwnedTree::load(const crypto::BlobId& id, const v1::PageReference* reference) {
  try {
    levels_.push_back({load_page(source_, id, reference).page});
    return true;
  } catch (const Error& error) {
    if (!concerns_blob(error)) throw;
    return false;
  }
}

bool OwnedTree::enter(std::size_t depth, int number) {
  if (levels_.size() > depth + 1 && levels_[depth].entered == number) return true;
  if (number < 0 || levels_[depth].failed == number || depth + 1 == kMaximumPageDepth) return false;
  levels_.resize(depth + 1);
  const v1::PageReference reference = levels_[depth].page.pages(number);
  const bool loaded = load(crypto::BlobId::from_bytes(as_bytes(reference.id())), &reference);
  (loaded ? levels_[depth].entered : levels_[depth].failed) = number;
  return loaded;
}

const v1::Node* OwnedTree::find(std::string_view name) {
  if (!open()) return nullptr;
  std::size_t depth = 0;
  while (levels_[depth].page.pages_size() > 0) {
    if (!enter(depth, page_of(levels_[depth].page, name))) return nullptr;
    ++depth;
  }
  const auto& nodes = levels_[depth].page.nodes();
  const auto found =
      std::lower_bound(nodes.begin(), nodes.end(), name,
                       [](const v1::Node& node, std::string_view wanted) { return node.name() < wanted; });
  return found != nodes.end() && found->name() == name ? &*found : nullptr;
}

bool OwnedTree::has_page(const v1::PageReference& reference) {
  if (as_text(id_.view()) == reference.id()) return true;
  if (!open()) return false;
  // A page that is in both begins with the same name, so that it is on the way to that name.
  for (std::size_t depth = 0; levels_[depth].page.pages_size() > 0; ++depth) {
    const int number = page_of(levels_[depth].page, reference.first_name());
    if (number < 0) return false;
    const v1::PageReference& one = levels_[depth].page.pages(number);
    if (one.id() == reference.id()) return true;
    // One that may hold entries itself is not read for a question about pages.
    if (one.nodes() <= kMaximumPageEntries || !enter(depth, number)) return false;
  }
  return false;
}

}  // namespace garner::snapshot
