#include "snapshot/tree.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/hash.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

namespace garner::snapshot {
namespace {

bool ends_page(const std::string& name, std::size_t position) {
  if (position < kLeastPageEntries) return false;
  if (position >= kMaximumPageEntries) return true;
  const crypto::Digest digest = crypto::hash(as_bytes(name));
  return ByteReader(digest).u64() % kPageBoundary == 0;
}

// Bytes that a repeated field of this content takes in its message: a tag of one byte, the length, the
// content.
std::size_t field_size(std::size_t content) {
  return 1 + google::protobuf::io::CodedOutputStream::VarintSize64(content) + content;
}

v1::Owner make_owner(std::uint32_t id, const std::string& name) {
  v1::Owner owner;
  owner.set_id(id);
  owner.set_name(name);
  return owner;
}

using Owners = std::map<std::uint32_t, std::string>;

// From the names that the page has already, or looked up.
std::string name_of(const Owners& known, const std::function<std::string(std::uint32_t)>& names,
                    std::uint32_t id) {
  if (const auto found = known.find(id); found != known.end()) return found->second;
  std::string name = names ? names(id) : std::string();
  return name.size() > kMaximumOwnerName ? std::string() : name;
}

// What recording the owner adds to a page that knows these.
std::size_t owner_size(const Owners& known, std::uint32_t id, const std::string& name) {
  return name.empty() || known.contains(id) ? 0 : field_size(make_owner(id, name).ByteSizeLong());
}

const std::string* find_owner(const google::protobuf::RepeatedPtrField<v1::Owner>& owners, std::uint32_t id) {
  const auto found =
      std::lower_bound(owners.begin(), owners.end(), id,
                       [](const v1::Owner& owner, std::uint32_t wanted) { return owner.id() < wanted; });
  return found != owners.end() && found->id() == id ? &found->name() : nullptr;
}

NamedNode with_owners(v1::Node node, const v1::TreePage& page) {
  NamedNode named;
  if (const std::string* user = find_owner(page.users(), node.uid())) named.user = *user;
  if (const std::string* group = find_owner(page.groups(), node.gid())) named.group = *group;
  named.node = std::move(node);
  return named;
}

}  // namespace

void TreeBuilder::add(v1::Node node) {
  try {
    validate(node);
  } catch (const Error& error) {
    throw Error(ErrorKind::kInternal, error.what());
  }
  if (!last_name_.empty() && node.name() <= last_name_) {
    throw Error(ErrorKind::kInternal, "node \"" + printable(node.name()) + "\" comes after \"" +
                                          printable(last_name_) + "\" in its folder");
  }
  const std::size_t node_size = node.ByteSizeLong();
  if (node_size > kMaximumNode) {
    throw Error(ErrorKind::kInternal,
                "node \"" + printable(node.name()) + "\" takes " + human_bytes(node_size));
  }
  last_name_ = node.name();

  if (levels_.empty()) levels_.emplace_back();
  const std::string user = name_of(users_, names_.user, node.uid());
  const std::string group = name_of(groups_, names_.group, node.gid());
  const auto size = [&] {
    return field_size(node_size) + owner_size(users_, node.uid(), user) +
           owner_size(groups_, node.gid(), group);
  };
  if (levels_[0].page.nodes_size() > 0 && levels_[0].bytes + size() > kPageBytes) close_page(0);
  const std::size_t added = size();
  users_.try_emplace(node.uid(), user);
  groups_.try_emplace(node.gid(), group);
  Level& level = levels_[0];
  level.bytes += added;
  level.nodes += 1;
  add_to(level.totals, node);
  *level.page.add_nodes() = std::move(node);
  if (ends_page(last_name_, static_cast<std::size_t>(level.page.nodes_size()))) close_page(0);
}

void TreeBuilder::add_reference(std::size_t level, v1::PageReference reference) {
  if (levels_.size() <= level) levels_.emplace_back();
  const std::size_t added = field_size(reference.ByteSizeLong());
  if (levels_[level].page.pages_size() > 0 && levels_[level].bytes + added > kPageBytes) close_page(level);
  Level& current = levels_[level];
  current.bytes += added;
  current.nodes += reference.nodes();
  add_to(current.totals, reference.totals());
  const v1::PageReference& last = *current.page.add_pages() = std::move(reference);
  if (ends_page(last.first_name(), static_cast<std::size_t>(current.page.pages_size()))) close_page(level);
}

void TreeBuilder::close_page(std::size_t level) {
  Level& closed = levels_[level];
  v1::PageReference reference;
  if (level == 0) {
    for (const auto& [id, name] : users_) {
      if (!name.empty()) *closed.page.add_users() = make_owner(id, name);
    }
    for (const auto& [id, name] : groups_) {
      if (!name.empty()) *closed.page.add_groups() = make_owner(id, name);
    }
    users_.clear();
    groups_.clear();
    reference.set_first_name(closed.page.nodes(0).name());
  } else {
    reference.set_first_name(closed.page.pages(0).first_name());
  }
  const std::string bytes = serialize(closed.page);
  const crypto::BlobId id = sink_.put(crypto::BlobKind::kTree, as_bytes(bytes));
  reference.set_id(id.value.data(), id.value.size());
  reference.set_nodes(closed.nodes);
  *reference.mutable_totals() = std::exchange(closed.totals, v1::Totals());
  closed.page.Clear();
  closed.nodes = 0;
  closed.bytes = 0;
  add_reference(level + 1, std::move(reference));
}

BuiltTree TreeBuilder::finish() {
  if (levels_.empty()) return {sink_.put(crypto::BlobKind::kTree, {}), v1::Totals()};
  for (std::size_t level = 0;; ++level) {
    const bool top = level + 1 == levels_.size();
    if (level > 0 && top && levels_[level].page.pages_size() == 1) {
      const v1::PageReference& root = levels_[level].page.pages(0);
      return {id_from(root.id()), root.totals()};
    }
    if (levels_[level].nodes > 0) close_page(level);
  }
}

LoadedPage load_page(store::BlobSource& source, const crypto::BlobId& id,
                     const v1::PageReference* reference) {
  const Bytes bytes = source.read(crypto::BlobKind::kTree, id);  // whose errors name it
  try {
    ParsedPage parsed = parse_page(bytes);
    const PageSummary& summary = parsed.summary;
    if (reference != nullptr &&
        (summary.first_name != reference->first_name() || summary.nodes != reference->nodes() ||
         !equal(summary.totals, reference->totals()))) {
      throw Error(ErrorKind::kDamaged, "it is not what the page above it says");
    }
    return {std::move(parsed.page), std::move(parsed.summary.totals)};
  } catch (const Error& error) {
    throw error.in("tree " + id.hex());
  }
}

TreeReader::TreeReader(store::BlobSource& source, const crypto::BlobId& id) : source_(source) {
  open(id, nullptr);
}

TreeReader::TreeReader(store::BlobSource& source, const crypto::BlobId& id, std::string_view after)
    : TreeReader(source, id) {
  while (levels_.back().page.pages_size() > 0) {
    // The page whose first name is the last that is not behind it, or the first one.
    Level& level = levels_.back();
    const auto& pages = level.page.pages();
    const auto behind = std::upper_bound(
        pages.begin(), pages.end(), after,
        [](std::string_view wanted, const v1::PageReference& page) { return wanted < page.first_name(); });
    level.next = std::max(0, static_cast<int>(behind - pages.begin()) - 1);
    const v1::PageReference reference = level.page.pages(level.next++);
    open(id_from(reference.id()), &reference);
  }
  const auto& nodes = levels_.back().page.nodes();
  const auto first =
      std::upper_bound(nodes.begin(), nodes.end(), after,
                       [](std::string_view wanted, const v1::Node& node) { return wanted < node.name(); });
  levels_.back().next = static_cast<int>(first - nodes.begin());
}

void TreeReader::open(const crypto::BlobId& id, const v1::PageReference* reference) {
  if (levels_.size() == kMaximumPageDepth) {
    throw Error(ErrorKind::kDamaged, "tree " + id.hex() + ": pages are nested too deep");
  }
  LoadedPage loaded = load_page(source_, id, reference);
  if (reference == nullptr) totals_ = std::move(loaded.totals);
  const v1::TreePage& page = loaded.page;
  if (page.nodes_size() > 0) {
    // Within a page the order was checked already.
    if (!last_name_.empty() && page.nodes(0).name() <= last_name_) {
      throw Error(ErrorKind::kDamaged, "tree " + id.hex() + ": it repeats names of the page before");
    }
    last_name_ = page.nodes(page.nodes_size() - 1).name();
  }
  levels_.push_back({std::move(loaded.page), 0});
}

std::optional<NamedNode> TreeReader::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next < level.page.nodes_size()) {
      return with_owners(std::move(*level.page.mutable_nodes(level.next++)), level.page);
    }
    if (level.next < level.page.pages_size()) {
      const v1::PageReference reference = level.page.pages(level.next++);
      open(id_from(reference.id()), &reference);
    } else {
      levels_.pop_back();
    }
  }
  return std::nullopt;
}

std::optional<NamedNode> find_in_tree(store::BlobSource& source, const crypto::BlobId& tree,
                                      std::string_view name) {
  LoadedPage loaded = load_page(source, tree, nullptr);
  for (std::size_t depth = 1; loaded.page.pages_size() > 0; ++depth) {
    if (depth == kMaximumPageDepth) {
      throw Error(ErrorKind::kDamaged, "tree " + tree.hex() + ": pages are nested too deep");
    }
    const auto& pages = loaded.page.pages();
    const auto after = std::upper_bound(
        pages.begin(), pages.end(), name,
        [](std::string_view wanted, const v1::PageReference& page) { return wanted < page.first_name(); });
    if (after == pages.begin()) return std::nullopt;
    const v1::PageReference reference = *std::prev(after);
    loaded = load_page(source, id_from(reference.id()), &reference);
  }
  auto& nodes = *loaded.page.mutable_nodes();
  const auto found =
      std::lower_bound(nodes.begin(), nodes.end(), name,
                       [](const v1::Node& node, std::string_view wanted) { return node.name() < wanted; });
  if (found == nodes.end() || found->name() != name) return std::nullopt;
  return with_owners(std::move(*found), loaded.page);
}

}  // namespace garner::snapshot
