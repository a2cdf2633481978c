#include "source/metadata.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "snapshot/node.h"
#include "source/open.h"
#include "source/xattrs.h"

namespace garner::source {
namespace {

v1::NodeType type_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return v1::NODE_TYPE_FILE;
    case S_IFDIR:
      return v1::NODE_TYPE_FOLDER;
    case S_IFLNK:
      return v1::NODE_TYPE_SYMLINK;
    case S_IFBLK:
      return v1::NODE_TYPE_BLOCK_DEVICE;
    case S_IFCHR:
      return v1::NODE_TYPE_CHARACTER_DEVICE;
    case S_IFIFO:
      return v1::NODE_TYPE_FIFO;
    case S_IFSOCK:
      return v1::NODE_TYPE_SOCKET;
    default:
      return v1::NODE_TYPE_UNSPECIFIED;
  }
}

// File systems that a program or a server answers for may say more nanoseconds than a second has, which no
// node may hold.
TimePoint to_time(const statx_timestamp& time) {
  return {time.tv_sec, std::min(time.tv_nsec, snapshot::kMaximumNanos)};
}

ErrorKind kind_of(int error_number) {
  return error_number == ENOENT ? ErrorKind::kNotFound : ErrorKind::kReadFailed;
}

std::string shown(const std::string& name) { return name.empty() ? "it" : printable(name); }

std::string read_target(int path_fd, const std::string& name) {
  std::array<char, 4096> target;
  const ssize_t size = readlinkat(path_fd, "", target.data(), target.size());
  if (size < 0) throw system_error(errno, "reading the symbolic link " + shown(name), ErrorKind::kReadFailed);
  std::string text(target.data(), static_cast<std::size_t>(size));
  if (!snapshot::is_valid_target(text)) {
    throw Error(ErrorKind::kReadFailed, "the symbolic link " + shown(name) + " has a target of " +
                                            human_bytes(text.size()) + ", which is none");
  }
  return text;
}

bool is_device(v1::NodeType type) {
  return type == v1::NODE_TYPE_BLOCK_DEVICE || type == v1::NODE_TYPE_CHARACTER_DEVICE;
}

void copy_status(const FileStatus& status, v1::Node& node) {
  node.set_type(status.type);
  node.set_mode(status.mode);
  node.set_uid(status.uid);
  node.set_gid(status.gid);
  *node.mutable_mtime() = snapshot::to_proto(status.mtime);
  *node.mutable_ctime() = snapshot::to_proto(status.ctime);
  if (status.has_birth_time) *node.mutable_birth_time() = snapshot::to_proto(status.birth_time);
  node.set_inode(status.inode);
  if (status.type == v1::NODE_TYPE_FILE) node.set_size(status.size);
  if (status.type != v1::NODE_TYPE_FOLDER && status.links > 1) node.set_links(status.links);
  if (is_device(status.type)) {
    node.set_device_major(status.device_major);
    node.set_device_minor(status.device_minor);
  }
}

// What `name` is now, which must be what `status` was read of.
Fd open_same(int folder_fd, const std::string& name, const FileStatus& status) {
  Fd fd = open_as_path(folder_fd, name.c_str());
  if (!fd.valid()) throw system_error(errno, "opening " + shown(name), kind_of(errno));
  const FileStatus opened = read_status(fd.get(), "");
  if (opened.type != status.type || opened.inode != status.inode || opened.device != status.device) {
    throw Error(ErrorKind::kReadFailed, shown(name) + " was replaced while it was being read");
  }
  return fd;
}

}  // namespace

FileStatus read_status(int folder_fd, const std::string& name) {
  struct statx found {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name.empty() ? AT_EMPTY_PATH : 0);
  if (statx(folder_fd, name.c_str(), flags, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) {
    throw system_error(errno, "looking at " + shown(name), kind_of(errno));
  }
  FileStatus status;
  status.type = type_of(found.stx_mode);
  if (status.type == v1::NODE_TYPE_UNSPECIFIED) {
    throw Error(ErrorKind::kReadFailed, shown(name) + " is of a type that garner does not know");
  }
  status.mode = found.stx_mode & 07777;
  status.uid = found.stx_uid;
  status.gid = found.stx_gid;
  status.size = found.stx_size;
  status.blocks = found.stx_blocks;
  status.inode = found.stx_ino;
  status.device = makedev(found.stx_dev_major, found.stx_dev_minor);
  status.links = found.stx_nlink;
  status.device_major = found.stx_rdev_major;
  status.device_minor = found.stx_rdev_minor;
  status.mtime = to_time(found.stx_mtime);
  status.ctime = to_time(found.stx_ctime);
  status.has_birth_time = (found.stx_mask & STATX_BTIME) != 0;
  if (status.has_birth_time) status.birth_time = to_time(found.stx_btime);
  return status;
}

bool stores_files(int fd) {
  struct statfs found {};
  return fstatfs(fd, &found) != 0 || found.f_blocks > 0;
}

v1::Node capture(int folder_fd, const std::string& name, const FileStatus& status, int content_fd,
                 const std::function<void(const std::string&)>& warn) {
  v1::Node node;
  node.set_name(name);
  copy_status(status, node);
  if (content_fd >= 0) {
    read_xattrs(content_fd, /*path_only=*/false, node, warn);
    node.set_inode_flags(read_inode_flags(content_fd, warn));
    return node;
  }

  Fd opened;
  if (!name.empty()) opened = open_same(folder_fd, name, status);
  const int fd = name.empty() ? folder_fd : opened.get();
  if (status.type == v1::NODE_TYPE_SYMLINK) node.set_target(read_target(fd, name));
  read_xattrs(fd, /*path_only=*/true, node, warn);
  if (status.type == v1::NODE_TYPE_FILE || status.type == v1::NODE_TYPE_FOLDER) {
    // Through the descriptor, so that it cannot be a device by now: opening those can already do something.
    const Fd readable = open_following(AT_FDCWD, descriptor_path(fd).c_str());
    if (readable.valid()) {
      node.set_inode_flags(read_inode_flags(readable.get(), warn));
    } else {
      warn(system_error(errno, "opening it to read its inode flags").what());
    }
  }
  return node;
}

}  // namespace garner::source
