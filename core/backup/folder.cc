#include "backup/folder.h"

#include <algorithm>
#include <utility>

#include "base/release_chain.h"
#include "source/folder_view.h"

namespace garner::backup {

FolderBase finished_base(const FinishedFolder& folder) {
  v1::Node node;
  node.set_type(v1::NODE_TYPE_FOLDER);
  node.set_tree(std::string(as_text(folder.tree.view())));
  *node.mutable_totals() = folder.totals;
  return {std::move(node), folder.seen, true, true, false, std::nullopt};
}

FolderBase unless_stale(FolderBase base) {
  if (!base.node || !base.node->stale()) return base;
  base.seen = {};
  base.trusted = false;
  base.from_checkpoint = false;
  return base;
}

Folder::Folder(std::shared_ptr<Folder> parent, std::size_t slot, std::uint32_t source, std::string name,
               FolderBase folder_base, TreeAssembly assembly)
    : base(std::move(folder_base)),
      parent_(std::move(parent)),
      slot_(slot),
      source_(source),
      name_(std::move(name)),
      is_root_(parent_ && !parent_->parent_),
      assembly_(std::move(assembly)) {
  if (base.node && !base.supplied)
    assembly_.compare_with(crypto::BlobId::from_bytes(as_bytes(base.node->tree())), base.node->totals());
}

Folder::~Folder() { release_chain(std::move(parent_)); }

Place Folder::place_of(const std::string& name) const {
  if (!parent_) return {source_, "", ""};
  std::vector<const std::string*> names;
  for (const Folder* folder = this; folder->parent_ && !folder->is_root_; folder = folder->parent_.get()) {
    names.push_back(&folder->name_);
  }
  std::string path;
  for (auto part = names.rbegin(); part != names.rend(); ++part) {
    if (!path.empty()) path += '/';
    path += **part;
  }
  return {source_, std::move(path), name};
}

Place Folder::place() const {
  if (is_root_) return {source_, "", ""};
  return parent_->place_of(name_);
}

// What an earlier look did not find is gone since then. So while others empty a large folder it is listed
// again only when the walk has come to what went after the last time.
bool Folder::lists(const std::string& name) {
  const auto is_in = [&](const auto& entries) {
    return std::ranges::binary_search(entries, name, {}, &source::FolderEntry::name);
  };
  const std::lock_guard lock(list_mutex_);
  if (list_ && !is_in(*list_)) return false;
  list_ = source::FolderView(scan.handle).list();
  return is_in(*list_);
}

std::size_t Folder::add_slot() {
  std::lock_guard lock(mutex_);
  slots_.emplace_back();
  return first_slot_ + slots_.size() - 1;
}

// The slots before this point are fed before any that follows, so the assembly learns of the gap at the right
// place only if it has not gone past; it cannot have: what follows has no slot yet.
void Folder::entry_missing() {
  std::lock_guard lock(mutex_);
  assembly_.missing();
}

bool Folder::all_listed() {
  std::lock_guard lock(mutex_);
  all_listed_ = true;
  return feed();
}

bool Folder::complete(std::size_t slot, std::optional<v1::Node> node, bool same) {
  std::lock_guard lock(mutex_);
  Slot& filled = slots_.at(slot - first_slot_);
  filled.done = true;
  filled.same = same;
  filled.node = std::move(node);
  return feed();
}

bool Folder::feed() {
  while (!slots_.empty() && slots_.front().done) {
    Slot& front = slots_.front();
    if (!parent_) {
      collected_ = std::move(front.node);
    } else if (front.node) {
      holds_anything_ = true;
      assembly_.add(std::move(*front.node), front.same);
    } else if (!front.same) {
      assembly_.missing();
    }
    slots_.pop_front();
    ++first_slot_;
  }
  const bool was_complete = complete_;
  complete_ = all_listed_ && slots_.empty();
  return complete_ && !was_complete;
}

bool Folder::is_complete() {
  std::lock_guard lock(mutex_);
  return complete_;
}

bool Folder::holds_anything() {
  std::lock_guard lock(mutex_);
  return holds_anything_;
}

TreeAssembly::Result Folder::finish_tree() {
  std::lock_guard lock(mutex_);
  return assembly_.finish();
}

std::optional<v1::Node> Folder::collected() {
  std::lock_guard lock(mutex_);
  return collected_;
}

bool Folder::record(FinishedFile file) {
  std::lock_guard lock(mutex_);
  if (complete_) return false;
  const bool first = nothing_unsaved();
  unsaved_files_.push_back(std::move(file));
  return first;
}

bool Folder::record(FinishedFolder folder) {
  std::lock_guard lock(mutex_);
  if (complete_) return false;
  const bool first = nothing_unsaved();
  unsaved_folders_.push_back(std::move(folder));
  return first;
}

void Folder::drop_unsaved() {
  std::lock_guard lock(mutex_);
  unsaved_files_ = {};
  unsaved_folders_ = {};
}

void Folder::take_unsaved(std::vector<FinishedFile>& files, std::vector<FinishedFolder>& folders) {
  std::lock_guard lock(mutex_);
  for (auto& file : unsaved_files_) files.push_back(std::move(file));
  for (auto& folder : unsaved_folders_) folders.push_back(std::move(folder));
  unsaved_files_ = {};
  unsaved_folders_ = {};
}

}  // namespace garner::backup
