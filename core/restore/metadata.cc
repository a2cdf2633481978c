#include "restore/metadata.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/bytes.h"
#include "restore/inode_flags.h"
#include "restore/target_error.h"
#include "restore/xattrs.h"

namespace garner::restore {
namespace {

struct Ownership {
  bool user = true;
  bool group = true;
};

Ownership apply_owner(int fd, const v1::Node& node, const Complain& complain) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  const bool user_differs = status.st_uid != node.uid();
  const bool group_differs = status.st_gid != node.gid();
  if (!user_differs && !group_differs) return {};
  if (fchownat(fd, "", node.uid(), node.gid(), AT_EMPTY_PATH) == 0) return {};
  const int error_number = errno;
  Ownership result{!user_differs, !group_differs};
  // A group that the caller is a member of may be given without being allowed to give the file away.
  if (group_differs && fchownat(fd, "", static_cast<uid_t>(-1), node.gid(), AT_EMPTY_PATH) == 0)
    result.group = true;
  if (!result.user || !result.group) {
    complain("owner " + std::to_string(node.uid()) + ":" + std::to_string(node.gid()) + " could not be set" +
             because(error_number));
  }
  return result;
}

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7));
  return digits;
}

void apply_mode(int fd, HandleType type, const v1::Node& node, Ownership owned, const Complain& complain) {
  if (node.type() == v1::NODE_TYPE_SYMLINK) return;
  mode_t mode = node.mode() & 07777;
  if (!owned.user) mode &= ~static_cast<mode_t>(S_ISUID);
  if ((!owned.user || !owned.group) && node.type() != v1::NODE_TYPE_FOLDER)
    mode &= ~static_cast<mode_t>(S_ISGID);
  struct stat status {};
  if (fstat(fd, &status) == 0 && (status.st_mode & 07777) == mode) return;
  const int failed = type == HandleType::kOpen ? fchmod(fd, mode)
                                               : chmod(("/proc/self/fd/" + std::to_string(fd)).c_str(), mode);
  if (failed != 0) complain("mode " + octal(mode) + " could not be set" + because(errno));
}

// False where it could not be set, though the file system can.
bool apply_time(int fd, HandleType type, const v1::Node& node, const Complain& complain) {
  const struct timespec wanted = mtime_of(node);
  struct stat status {};
  if (fstat(fd, &status) == 0 && status.st_mtim.tv_sec == wanted.tv_sec &&
      status.st_mtim.tv_nsec == wanted.tv_nsec) {
    return true;
  }
  const struct timespec times[2] = {{0, UTIME_OMIT}, wanted};
  const int failed =
      type == HandleType::kOpen ? futimens(fd, times) : utimensat(fd, "", times, AT_EMPTY_PATH);
  if (failed == 0) return true;
  const int error_number = errno;
  complain("the time of the last change could not be set" + because(error_number));
  return error_number == EPERM || error_number == EOPNOTSUPP || error_number == ENOSYS;
}

// Whoever runs such a file acts as its owner or group, or with capabilities.
bool lends_privileges(const v1::Node& node) {
  return (node.mode() & (S_ISUID | S_ISGID)) != 0 ||
         std::any_of(node.xattrs().begin(), node.xattrs().end(),
                     [](const v1::Xattr& xattr) { return xattr.name() == "security.capability"; });
}

bool has_target(int folder_fd, const v1::Node& node) {
  char target[PATH_MAX];
  const ssize_t length = readlinkat(folder_fd, node.name().c_str(), target, sizeof target);
  return length >= 0 && std::string_view(target, static_cast<std::size_t>(length)) == node.target();
}

}  // namespace

void apply_storage_flags(int fd, const v1::Node& node) { set_storage_flags(fd, node.inode_flags()); }

void apply_metadata(int fd, HandleType type, const v1::Node& node, const Complain& complain) {
  const Ownership owned = apply_owner(fd, node, complain);
  if (type == HandleType::kOpen) set_plain_flags(fd, node.inode_flags(), complain);
  // Before what ends the mode of an unfinished file, access control lists among it (existing.h). Finished
  // without its time it would pass for somebody else's.
  if (!apply_time(fd, type, node, complain) && node.type() == v1::NODE_TYPE_FILE) return;
  apply_xattrs(fd, type, node, complain);
  apply_mode(fd, type, node, owned, complain);
}

void protect(int fd, const v1::Node& node, const Complain& complain) {
  set_protecting_flags(fd, node.inode_flags(), complain);
}

bool has_protection(const v1::Node& node) { return protecting_flags(node.inode_flags()) != 0; }

bool clear_protection(int fd) { return clear_protecting_flags(fd); }

bool is_right(int folder_fd, const struct stat& existing, const v1::Node& node) {
  if ((existing.st_mode & S_IFMT) != type_bits(node.type())) return false;
  switch (node.type()) {
    case v1::NODE_TYPE_FILE: {
      // Size and time are whatever a file's owner likes: somebody else's is not given such rights for them.
      // Who is not root has none to give.
      const bool is_owned = existing.st_uid == node.uid() && existing.st_gid == node.gid();
      if (!is_owned && geteuid() == 0 && lends_privileges(node)) return false;
      const struct timespec wanted = mtime_of(node);
      return static_cast<std::uint64_t>(existing.st_size) == node.size() &&
             existing.st_mtim.tv_sec == wanted.tv_sec && existing.st_mtim.tv_nsec == wanted.tv_nsec;
    }
    case v1::NODE_TYPE_SYMLINK:
      return has_target(folder_fd, node);
    case v1::NODE_TYPE_BLOCK_DEVICE:
    case v1::NODE_TYPE_CHARACTER_DEVICE:
      return existing.st_rdev == makedev(node.device_major(), node.device_minor());
    default:
      return true;
  }
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && (a.st_mode & S_IFMT) == (b.st_mode & S_IFMT);
}

mode_t type_bits(v1::NodeType type) {
  switch (type) {
    case v1::NODE_TYPE_FILE:
      return S_IFREG;
    case v1::NODE_TYPE_FOLDER:
      return S_IFDIR;
    case v1::NODE_TYPE_SYMLINK:
      return S_IFLNK;
    case v1::NODE_TYPE_BLOCK_DEVICE:
      return S_IFBLK;
    case v1::NODE_TYPE_CHARACTER_DEVICE:
      return S_IFCHR;
    case v1::NODE_TYPE_FIFO:
      return S_IFIFO;
    case v1::NODE_TYPE_SOCKET:
      return S_IFSOCK;
    default:
      return 0;
  }
}

struct timespec mtime_of(const v1::Node& node) {
  struct timespec time {};
  time.tv_sec = node.mtime().seconds();
  time.tv_nsec = static_cast<long>(node.mtime().nanos());
  return time;
}

}  // namespace garner::restore
