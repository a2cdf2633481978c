#include "source/xattrs.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/node.h"
#include "source/open.h"

namespace garner::source {
namespace {

using Warn = std::function<void(const std::string&)>;

constexpr std::size_t kFirstBuffer = 1024;
constexpr int kAttempts = 8;  // a list or value that keeps growing while it is asked for

constexpr std::uint32_t kKeptFlags =
    FS_FL_USER_MODIFIABLE | FS_IMMUTABLE_FL | FS_APPEND_FL | FS_JOURNAL_DATA_FL | FS_NOCOW_FL;

// Calls `get(buffer, size)`, which returns the size needed for size 0 and fails with ERANGE for one that is
// too small. False, with errno set, when it fails otherwise.
template <typename Get>
bool get_all(Get get, std::string& result) {
  std::array<char, kFirstBuffer> first;
  ssize_t size = get(first.data(), first.size());
  if (size >= 0) {
    result.assign(first.data(), static_cast<std::size_t>(size));
    return true;
  }
  for (int attempt = 0; attempt < kAttempts && errno == ERANGE; ++attempt) {
    size = get(nullptr, 0);
    if (size < 0) return false;
    result.resize(static_cast<std::size_t>(size));
    size = get(result.data(), result.size());
    if (size >= 0) {
      result.resize(static_cast<std::size_t>(size));
      return true;
    }
  }
  return false;
}

bool is_unsupported(int error_number) {
  return error_number == ENOTSUP || error_number == ENOSYS || error_number == ENOTTY ||
         error_number == EINVAL;
}

bool is_not_permitted(int error_number) { return error_number == EACCES || error_number == EPERM; }

// Names that a file system lists though nobody can read them (ACLs of NFS, for one) are no loss: they are
// made up.
bool may_be_left_out(const std::string& name, int error_number) {
  if (error_number == ENODATA) return true;  // removed since it was listed
  return is_unsupported(error_number) || (name.starts_with("system.") && is_not_permitted(error_number));
}

}  // namespace

void read_xattrs(int fd, bool path_only, v1::Node& node, const Warn& warn) {
  const std::string path = path_only ? descriptor_path(fd) : std::string();
  std::string list;
  const bool listed = get_all(
      [&](char* buffer, std::size_t size) {
        return path_only ? listxattr(path.c_str(), buffer, size) : flistxattr(fd, buffer, size);
      },
      list);
  if (!listed) {
    if (is_unsupported(errno)) return;
    if (is_not_permitted(errno)) return warn(system_error(errno, "listing its extended attributes").what());
    const int failure = errno;
    const bool not_found = path_only && failure == ENOENT;
    if (not_found && access("/proc/self/fd", F_OK) != 0)
      throw Error(ErrorKind::kUnavailable, "/proc is needed, and not mounted");
    throw system_error(failure, "listing its extended attributes",
                       not_found ? ErrorKind::kNotFound : ErrorKind::kReadFailed);
  }

  std::set<std::string> names;  // a file system may list one twice
  for (std::size_t begin = 0; begin < list.size();) {
    const std::string& name = *names.emplace(list.c_str() + begin).first;
    begin += name.size() + 1;
  }
  std::size_t total = 0;
  for (const std::string& name : names) {
    v1::Xattr xattr;
    const bool read = get_all(
        [&](char* buffer, std::size_t size) {
          return path_only ? getxattr(path.c_str(), name.c_str(), buffer, size)
                           : fgetxattr(fd, name.c_str(), buffer, size);
        },
        *xattr.mutable_value());
    if (!read) {
      if (may_be_left_out(name, errno)) continue;
      const std::string what = "reading its extended attribute " + printable(name);
      if (!is_not_permitted(errno)) throw system_error(errno, what, ErrorKind::kReadFailed);
      warn(system_error(errno, what).what());
      continue;
    }
    // Sixteen bytes for what surrounds name and value in a node.
    total += name.size() + xattr.value().size() + 16;
    xattr.set_name(name);
    if (total > snapshot::kMaximumXattrs) {
      throw Error(ErrorKind::kReadFailed, "its extended attributes take more than " +
                                              human_bytes(snapshot::kMaximumXattrs) +
                                              ", which garner cannot store");
    }
    *node.add_xattrs() = std::move(xattr);
  }
}

std::uint32_t read_inode_flags(int fd, const Warn& warn) {
  // The request is declared with a long, but file systems write an int.
  std::uint32_t flags = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) return flags & kKeptFlags;
  if (!is_unsupported(errno)) warn(system_error(errno, "reading its inode flags").what());
  return 0;
}

}  // namespace garner::source
