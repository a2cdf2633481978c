#include "snapshot/pointer.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"
#include "snapshot/tree.h"

namespace garner::snapshot {
namespace {

using IsWanted = std::function<bool(std::string_view id)>;

// Of what is stored as a difference both what it is made of and what comes out of it.
bool names_wanted(const v1::ContentEntry& entry, const IsWanted& is_wanted) {
  return (!entry.id().empty() && is_wanted(entry.id())) ||
         (entry.type() == v1::ENTRY_TYPE_DIFFERENCE && (is_wanted(entry.base()) || is_wanted(entry.patch())));
}

// `holder`: what holds these entries.
std::optional<Pointer> find_in(const google::protobuf::RepeatedPtrField<v1::ContentEntry>& entries,
                               const Pointer& holder, std::size_t levels, store::BlobSource& source,
                               const IsWanted& is_wanted) {
  for (const v1::ContentEntry& entry : entries) {
    if (names_wanted(entry, is_wanted)) return holder;
  }
  for (const v1::ContentEntry& entry : entries) {
    if (entry.type() != v1::ENTRY_TYPE_LIST) continue;
    const v1::ContentList list = load_list(entry, levels, source);
    if (const auto found = find_in(list.entries(), {Pointer::Kind::kList, id_from(entry.id())}, levels + 1,
                                   source, is_wanted))
      return found;
  }
  return std::nullopt;
}

std::optional<Pointer> find_in_pages(const crypto::BlobId& id, const v1::PageReference* reference,
                                     std::size_t depth, store::BlobSource& source,
                                     const IsWanted& is_wanted) {
  if (depth > kMaximumPageDepth) throw Error(ErrorKind::kDamaged, "pages are nested too deep");
  const LoadedPage loaded = load_page(source, id, reference);
  for (const v1::PageReference& page : loaded.page.pages()) {
    if (is_wanted(page.id())) return Pointer{Pointer::Kind::kTreePage, id};
  }
  for (const v1::PageReference& page : loaded.page.pages()) {
    if (const auto found = find_in_pages(id_from(page.id()), &page, depth + 1, source, is_wanted))
      return found;
  }
  return std::nullopt;
}

// The page of the tree that has the node of that name, if any has.
crypto::BlobId page_with(const crypto::BlobId& tree, const std::string& name, store::BlobSource& source) {
  crypto::BlobId id = tree;
  LoadedPage loaded = load_page(source, id, nullptr);
  for (std::size_t depth = 1; loaded.page.pages_size() > 0 && depth < kMaximumPageDepth; ++depth) {
    const auto& pages = loaded.page.pages();
    const auto after = std::upper_bound(
        pages.begin(), pages.end(), name,
        [](const std::string& wanted, const v1::PageReference& page) { return wanted < page.first_name(); });
    if (after == pages.begin()) break;
    const v1::PageReference reference = *std::prev(after);
    id = id_from(reference.id());
    loaded = load_page(source, id, &reference);
  }
  return id;
}

}  // namespace

std::optional<Pointer> find_pointer(const v1::Snapshot& snapshot, const std::string& path,
                                    store::BlobSource& source, const IsWanted& is_wanted) {
  const FoundNode found = find_node(snapshot, path, source);
  Pointer holder;  // of the node
  if (!found.is_source_root) {
    const FoundNode folder = find_node(snapshot, parent_path(path), source);
    holder = {Pointer::Kind::kTreePage,
              page_with(id_from(folder.named.node.tree()), base_name(path), source)};
  }
  const v1::Node& node = found.named.node;
  if (node.type() != v1::NODE_TYPE_FOLDER) return find_in(node.content(), holder, 1, source, is_wanted);
  if (is_wanted(node.tree())) return holder;
  return find_in_pages(id_from(node.tree()), nullptr, 1, source, is_wanted);
}

}  // namespace garner::snapshot
