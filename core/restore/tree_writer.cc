#include "restore/tree_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "restore/beneath.h"
#include "restore/metadata.h"
#include "restore/target_error.h"

namespace garner::restore {
namespace {

bool has_content(const v1::Node& file) {
  return std::any_of(file.content().begin(), file.content().end(),
                     [](const v1::ContentEntry& entry) { return entry.type() != v1::ENTRY_TYPE_HOLE; });
}

// A folder that is there already, such as an earlier attempt leaves: its owner must be able to write in it.
void make_writable(int folder_fd, const std::string& name) {
  const Fd handle = open_beneath(folder_fd, name, O_PATH | O_DIRECTORY);
  struct stat status {};
  if (!handle.valid() || fstat(handle.get(), &status) != 0) return;
  const std::string path = "/proc/self/fd/" + std::to_string(handle.get());
  const bool may_change = status.st_uid == geteuid() && geteuid() != 0;
  if (may_change && (status.st_mode & S_IRWXU) != S_IRWXU)
    chmod(path.c_str(), (status.st_mode & 07777) | S_IRWXU);
  const Fd folder = open_beneath(folder_fd, name, O_RDONLY | O_DIRECTORY);
  if (folder.valid()) clear_protection(folder.get());
}

// Opens what is there, for its metadata alone: a file as itself if that is permitted.
std::pair<Fd, HandleType> open_existing(int folder_fd, const v1::Node& node) {
  if (node.type() == v1::NODE_TYPE_FILE) {
    for (const int access : {O_RDONLY, O_WRONLY}) {
      Fd file = open_beneath(folder_fd, node.name(), access | O_NONBLOCK | O_NOCTTY);
      if (file.valid()) return {std::move(file), HandleType::kOpen};
    }
  }
  Fd handle = open_beneath(folder_fd, node.name(), O_PATH);
  if (!handle.valid()) throw target_error(errno, "it could not be opened");
  return {std::move(handle), HandleType::kPath};
}

const char* name_of(v1::NodeType type) {
  switch (type) {
    case v1::NODE_TYPE_SYMLINK:
      return "symbolic link";
    case v1::NODE_TYPE_BLOCK_DEVICE:
      return "block device";
    case v1::NODE_TYPE_CHARACTER_DEVICE:
      return "character device";
    case v1::NODE_TYPE_FIFO:
      return "fifo";
    default:
      return "socket";
  }
}

struct stat status_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw target_error(errno, "it could not be looked at");
  return status;
}

}  // namespace

void TreeWriter::begin(std::uint32_t source, std::shared_ptr<TargetFolder> folder, bool is_target) {
  source_ = source;
  base_ = std::move(folder);
  is_target_ = is_target;
}

bool TreeWriter::enter(const v1::Node& node) {
  if (folders_.empty() && is_target_) {
    folders_.push_back({base_, false});
    // Where the target was not empty its own flags stay, and tell why nothing can be written.
    const TargetFolder::Use use(*base_);
    if (options_.overwrite == Overwrite::kRefuse) clear_protection(use.fd());
    return true;
  }
  const std::shared_ptr<TargetFolder> parent = folders_.empty() ? base_ : folders_.back().folder;
  const std::string path = parent->path_of(node.name());
  report_.at([&] { return path; });
  try {
    folders_.push_back(make_folder(parent, node));
    return true;
  } catch (const Error& error) {
    if (ends_restore(error)) throw;
    report_.error(path, std::string(error.what()) + "; what belongs in it was left out");
    left_out_.insert(std::hash<std::string>()(path));
    return false;
  }
}

void TreeWriter::leave(const v1::Node&) { folders_.pop_back(); }

void TreeWriter::unreadable(const Error& error) {
  const std::string path = folders_.back().folder->path();
  report_.error(path, std::string("not everything in it could be restored: ") + error.what());
  left_out_.insert(rest_of(path));
}

TreeWriter::Entered TreeWriter::make_folder(const std::shared_ptr<TargetFolder>& parent,
                                            const v1::Node& node) {
  const TargetFolder::Use use(*parent);
  auto existing = look_at(use.fd(), node.name());
  if (existing && !S_ISDIR(existing->st_mode)) {
    if (decide(use.fd(), existing, node, options_) == Decision::kKeep) {
      throw Error(ErrorKind::kAlreadyExists, "what is in its place is no folder, and is kept");
    }
    remove_existing(use.fd(), node.name(), *existing);
    existing.reset();
  }
  bool is_new = false;
  if (existing) {
    if (options_.overwrite != Overwrite::kNever || is_unfinished(*existing))
      make_writable(use.fd(), node.name());
  } else if (mkdirat(use.fd(), node.name().c_str(), kUnfinishedFolderMode) == 0) {
    is_new = true;
  } else if (errno != EEXIST) {
    throw target_error(errno, "the folder could not be made");
  }
  return {TargetFolder::open_child(parent, node.name()), is_new};
}

void TreeWriter::visit(const v1::Node& node) {
  const std::shared_ptr<TargetFolder>& folder = folders_.empty() ? base_ : folders_.back().folder;
  report_.at([&] { return folder->path_of(node.name()); });
  try {
    const TargetFolder::Use use(*folder);
    restore({folder, use.fd(), !folders_.empty() && folders_.back().is_new}, node);
  } catch (const Error& error) {
    if (ends_restore(error)) throw;
    report_.error(folder->path_of(node.name()), error.what());
  }
}

void TreeWriter::restore(const Place& place, const v1::Node& node) {
  // In a new folder nothing is in its place; should something be there all the same, making it fails.
  std::optional<struct stat> existing;
  if (!place.is_new) existing = look_at(place.fd, node.name());
  if (HardLinks::is_linked(node) && restore_link(place, node, existing)) return;
  switch (decide(place.fd, existing, node, options_)) {
    case Decision::kKeep:
      report_skipped(node);
      return;
    case Decision::kRight:
      adopt(place, node, *existing);
      return;
    case Decision::kReplace:
    case Decision::kCreate:
      break;
  }
  const bool is_temporary = make_room(place, node, existing);
  if (node.type() == v1::NODE_TYPE_FILE) {
    create_file(place, node, is_temporary);
  } else {
    create_special(place, node, is_temporary);
  }
}

bool TreeWriter::make_room(const Place& place, const v1::Node& node,
                           const std::optional<struct stat>& existing) {
  if (!existing) return false;
  if (!S_ISDIR(existing->st_mode) && !is_unfinished(*existing)) {
    remove_temporary(place.fd, node.name());
    return true;
  }
  remove_existing(place.fd, node.name(), *existing);
  return false;
}

bool TreeWriter::restore_link(const Place& place, const v1::Node& node,
                              const std::optional<struct stat>& existing) {
  const std::optional<FirstName> first = links_.find(source_, node);
  if (!first) return false;
  if (first->failed) {
    throw Error(ErrorKind::kDamaged, "it is a hard link of " +
                                         printable(first->folder->path_of(first->name)) +
                                         ", which could not be restored");
  }
  const auto is_first = [&](const std::optional<struct stat>& status) {
    return status && status->st_ino == first->inode && status->st_dev == first->device;
  };
  if (is_first(existing)) {
    report_skipped(node);
    return true;
  }
  if (existing) {
    const Decision decision = decide(place.fd, existing, node, options_);
    if (decision == Decision::kKeep ||
        (decision == Decision::kRight && options_.overwrite == Overwrite::kNever)) {
      report_skipped(node);
      return true;
    }
  }
  const bool is_pending = content_.is_pending(first->inode);
  const bool is_first_temporary = is_pending && content_.is_temporary(first->inode);
  const bool is_temporary = make_room(place, node, existing);
  const std::string name = is_temporary ? temporary_name(node.name()) : node.name();
  const TargetFolder::Use from(*first->folder);
  if (linkat(from.fd(), (is_first_temporary ? temporary_name(first->name) : first->name).c_str(), place.fd,
             name.c_str(), 0) != 0) {
    const Error error = target_error(
        errno, "it could not be made a hard link of " + printable(first->folder->path_of(first->name)));
    if (ends_restore(error)) throw error;
    report_.error(place.folder->path_of(node.name()),
                  std::string(error.what()) + "; it was restored as a file of its own");
    return false;
  }
  if (!is_first(look_at(place.fd, name))) {
    unlinkat(place.fd, name.c_str(), 0);
    throw Error(ErrorKind::kWriteFailed, "the file it is a hard link of was replaced while it was restored");
  }
  if (is_pending) {
    content_.add_other_name(first->inode, place.folder, node.name(), is_temporary);
  } else if (is_temporary) {
    replace_existing(place.fd, node.name());
  }
  if (node.type() == v1::NODE_TYPE_FILE) {
    report_.add_done_file();
    report_.add_done_bytes(node.size());
  }
  return true;
}

void TreeWriter::adopt(const Place& place, const v1::Node& node, const struct stat& existing) {
  if (options_.overwrite != Overwrite::kNever) {
    const auto [handle, type] = open_existing(place.fd, node);
    const struct stat status = status_of(handle.get());
    if (!is_same_file(status, existing) || status.st_uid != existing.st_uid ||
        status.st_gid != existing.st_gid) {
      throw Error(ErrorKind::kWriteFailed, "it was replaced while it was restored");
    }
    if (type == HandleType::kOpen) clear_protection(handle.get());
    apply_metadata(handle.get(), type, node, complain(place, node));
  }
  if (HardLinks::is_linked(node)) links_.remember(source_, node, place.folder, existing);
  report_skipped(node);
}

void TreeWriter::create_file(const Place& place, const v1::Node& node, bool is_temporary) {
  // A file of several names must be there when the next of them is met.
  if (has_content(node) && !HardLinks::is_linked(node)) {
    content_.add(place.folder, source_, node, std::nullopt, is_temporary);
    return;
  }
  const Fd file = create_unfinished(place.fd, node, /*whole=*/false, is_temporary);
  const struct stat status = status_of(file.get());
  if (HardLinks::is_linked(node)) links_.remember(source_, node, place.folder, status);
  if (has_content(node)) {
    content_.add(place.folder, source_, node, status, is_temporary);
    return;
  }
  apply_metadata(file.get(), HandleType::kOpen, node, complain(place, node));
  if (is_temporary) replace_existing(place.fd, node.name());
  report_.add_done_file();
  report_.add_done_bytes(node.size());
}

void TreeWriter::create_special(const Place& place, const v1::Node& node, bool is_temporary) {
  const std::string name = is_temporary ? temporary_name(node.name()) : node.name();
  const bool is_link = node.type() == v1::NODE_TYPE_SYMLINK;
  const int failed = is_link ? symlinkat(node.target().c_str(), place.fd, name.c_str())
                             : mknodat(place.fd, name.c_str(), type_bits(node.type()) | S_IRUSR | S_IWUSR,
                                       makedev(node.device_major(), node.device_minor()));
  if (failed != 0) {
    throw target_error(errno, std::string("the ") + name_of(node.type()) + " could not be made");
  }
  const Fd handle = open_beneath(place.fd, name, O_PATH);
  if (!handle.valid()) throw target_error(errno, "it could not be opened");
  const struct stat status = status_of(handle.get());
  if ((status.st_mode & S_IFMT) != type_bits(node.type())) {
    throw Error(ErrorKind::kWriteFailed, "it was replaced while it was restored");
  }
  apply_metadata(handle.get(), HandleType::kPath, node, complain(place, node));
  if (is_temporary) replace_existing(place.fd, node.name());
  if (HardLinks::is_linked(node)) links_.remember(source_, node, place.folder, status);
}

Complain TreeWriter::complain(const Place& place, const v1::Node& node) {
  return [this, &place, &node](const std::string& message) {
    report_.error(place.folder->path_of(node.name()), message);
  };
}

void TreeWriter::report_skipped(const v1::Node& node) {
  if (node.type() != v1::NODE_TYPE_FILE) return;
  report_.add_skipped_file();
  report_.add_done_bytes(node.size());
}

}  // namespace garner::restore
