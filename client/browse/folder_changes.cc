#include "browse/folder_changes.h"

#include <sys/stat.h>

#include "browse/snapshot_layout.h"

namespace garner::client::browse {
namespace {

std::uint32_t type_bits(std::string_view type) {
  if (type == "file") return S_IFREG;
  if (type == "folder") return S_IFDIR;
  if (type == "symlink") return S_IFLNK;
  if (type == "block device") return S_IFBLK;
  if (type == "character device") return S_IFCHR;
  if (type == "fifo") return S_IFIFO;
  return S_IFSOCK;
}

}  // namespace

char letter(Mark mark) {
  switch (mark) {
    case Mark::kNone:
      break;
    case Mark::kAdded:
      return '+';
    case Mark::kRemoved:
      return '-';
    case Mark::kContent:
      return 'M';
    case Mark::kMetadata:
      return 'm';
  }
  return ' ';
}

void FolderChanges::add(const v1::DiffChange& change) {
  const Removed before{type_bits(change.type()), change.old_size()};
  switch (change.kind()) {
    case v1::DIFF_KIND_ADDED:
      return add(change.path_bytes(), Mark::kAdded, {});
    case v1::DIFF_KIND_REMOVED:
      return add(change.path_bytes(), Mark::kRemoved, before);
    case v1::DIFF_KIND_METADATA:
      return add(change.path_bytes(), Mark::kMetadata, {});
    case v1::DIFF_KIND_RENAMED:
      add(change.old_path_bytes(), Mark::kRemoved, before);
      return add(change.path_bytes(), Mark::kAdded, {});
    default:
      return add(change.path_bytes(), Mark::kContent, {});
  }
}

void FolderChanges::add(std::string_view path, Mark mark, const Removed& removed) {
  if (path == folder_ || !is_same_or_inside(path, folder_)) return;
  const std::string_view inside = relative_to(path, folder_);
  const std::string name(inside.substr(0, inside.find('/')));
  Mark& known = marks_[name];
  const bool is_itself = name.size() == inside.size();
  if (is_itself && (mark == Mark::kAdded || mark == Mark::kRemoved)) {
    known = mark;
    if (mark == Mark::kRemoved) removed_[name] = removed;
    return;
  }
  // What is added or removed as a whole is so with all that is in it.
  if (known == Mark::kAdded || known == Mark::kRemoved || known == Mark::kContent) return;
  known = mark == Mark::kMetadata ? Mark::kMetadata : Mark::kContent;
}

Mark FolderChanges::mark(const std::string& name) const {
  if (all_added_) return Mark::kAdded;
  const auto found = marks_.find(name);
  return found == marks_.end() ? Mark::kNone : found->second;
}

}  // namespace garner::client::browse
