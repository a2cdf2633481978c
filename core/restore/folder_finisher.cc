#include "restore/folder_finisher.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <functional>
#include <utility>

#include "restore/beneath.h"
#include "restore/existing.h"
#include "restore/metadata.h"
#include "restore/target_error.h"

namespace garner::restore {

void FolderFinisher::begin(std::shared_ptr<TargetFolder> folder, bool is_target) {
  base_ = std::move(folder);
  is_target_ = is_target;
}

bool FolderFinisher::enter(const v1::Node& node) {
  if (folders_.empty() && is_target_) {
    folders_.push_back(base_);
    return true;
  }
  const std::shared_ptr<TargetFolder>& parent = folders_.empty() ? base_ : folders_.back();
  if (!left_out_.empty() && left_out_.contains(std::hash<std::string>()(parent->path_of(node.name()))))
    return false;
  try {
    folders_.push_back(TargetFolder::open_child(parent, node.name()));
    return true;
  } catch (const Error& error) {
    if (ends_restore(error)) throw;
    report_.error(parent->path_of(node.name()), error.what());
    return false;
  }
}

void FolderFinisher::leave(const v1::Node& node) {
  const std::shared_ptr<TargetFolder> folder = std::move(folders_.back());
  folders_.pop_back();
  report_.at([&] { return folder->path(); });
  try {
    const TargetFolder::Use use(*folder);
    if (is_kept(use.fd(), folders_.empty() && is_target_)) return;
    const Complain complain = [&](const std::string& message) { report_.error(folder->path(), message); };
    apply_metadata(use.fd(), HandleType::kOpen, node, complain);
    protect(use.fd(), node, complain);
  } catch (const Error& error) {
    if (ends_restore(error)) throw;
    report_.error(folder->path(), error.what());
  }
}

// The target is the user's own where it was not empty: its mode and owner say who may write in it.
bool FolderFinisher::is_kept(int folder_fd, bool is_target) const {
  if (is_target ? target_is_new_ : options_.overwrite != Overwrite::kNever) return false;
  struct stat status {};
  if (fstat(folder_fd, &status) != 0) throw target_error(errno, "it could not be looked at");
  return !is_unfinished(status);
}

void FolderFinisher::unreadable(const Error& error) {
  const std::string path = folders_.back()->path();
  if (left_out_.contains(rest_of(path))) return;
  report_.error(path, std::string("not all folders in it could be given their metadata: ") + error.what());
}

void FolderFinisher::visit(const v1::Node& node) {
  if (node.type() != v1::NODE_TYPE_FILE || !has_protection(node)) return;
  TargetFolder& folder = folders_.empty() ? *base_ : *folders_.back();
  try {
    const TargetFolder::Use use(folder);
    const auto existing = look_at(use.fd(), node.name());
    // Damaged, kept, or replaced since: the first pass told, or the policy wants it so.
    if (!existing || !is_right(use.fd(), *existing, node)) return;
    const Fd file = open_beneath(use.fd(), node.name(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file.valid()) throw target_error(errno, "its flags could not be set");
    protect(file.get(), node,
            [&](const std::string& message) { report_.error(folder.path_of(node.name()), message); });
  } catch (const Error& error) {
    if (ends_restore(error)) throw;
    report_.error(folder.path_of(node.name()), error.what());
  }
}

}  // namespace garner::restore
