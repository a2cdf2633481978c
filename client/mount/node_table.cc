#include "mount/node_table.h"

#include <algorithm>

namespace garner::client::mount {
namespace {

bool is_same_place(const Location* a, const Location* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->snapshot == b->snapshot && a->path == b->path;
}

bool is_same(const Entry& a, const Entry& b) {
  return a.role == b.role && a.reference == b.reference &&
         (a.status.st_mode & S_IFMT) == (b.status.st_mode & S_IFMT) &&
         is_same_place(a.location.get(), b.location.get());
}

}  // namespace

Location locate(std::shared_ptr<const Node> node) {
  if (node->entry.location) return *node->entry.location;
  std::string path;
  while (node->entry.role == Role::kInside) {
    path.insert(0, path.empty() ? node->name : node->name + "/");
    node = node->folder;
  }
  return {node->entry.reference, std::move(path), node->entry.status.st_ino};
}

std::string path_in(const Location& folder, std::string_view name) {
  return folder.path.empty() ? std::string(name) : folder.path + "/" + std::string(name);
}

std::string source_path(const Node& node) {
  std::string path;
  for (const Node* one = &node; one->entry.role == Role::kPath; one = one->folder.get())
    path.insert(0, "/" + one->name);
  return path.empty() ? "/" : path;
}

NodeTable::NodeTable(Entry top) {
  nodes_[kTopId] = {std::make_shared<Node>(Node{kTopId, nullptr, "", std::move(top)}), 1};
}

std::shared_ptr<const Node> NodeTable::find(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : found->second.node;
}

std::shared_ptr<const Node> NodeTable::look_up(const std::shared_ptr<const Node>& folder,
                                               const std::string& name, Entry entry) {
  const std::lock_guard lock(mutex_);
  const auto named = names_.find({folder->id, name});
  if (named != names_.end()) {
    Known& known = nodes_.at(named->second);
    if (is_same(known.node->entry, entry)) {
      ++known.look_ups;
      return known.node;
    }
    // The one before is there until it is forgotten.
    names_.erase(named);
  }
  const auto node = std::make_shared<Node>(Node{++next_id_, folder, name, std::move(entry)});
  nodes_[node->id] = {node, 1};
  names_[{folder->id, node->name}] = node->id;
  return node;
}

void NodeTable::forget(std::uint64_t id, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  if (found == nodes_.end() || id == kTopId) return;
  found->second.look_ups -= std::min(count, found->second.look_ups);
  if (found->second.look_ups > 0) return;
  const Node& node = *found->second.node;
  const auto named = names_.find({node.folder->id, node.name});
  if (named != names_.end() && named->second == id) names_.erase(named);
  nodes_.erase(found);
}

std::size_t NodeTable::size() const {
  const std::lock_guard lock(mutex_);
  return nodes_.size();
}

}  // namespace garner::client::mount
