#include "base/mounts.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>

namespace garner {

namespace {

// Those that linux/magic.h does not name are from the sources of the file systems.
constexpr std::array<std::uint32_t, 20> kMayHang = {
    NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  CIFS_SUPER_MAGIC,   SMB2_SUPER_MAGIC,
    FUSE_SUPER_MAGIC, CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC,   AFS_SUPER_MAGIC,
    AFS_FS_MAGIC,     V9FS_MAGIC,       AUTOFS_SUPER_MAGIC,
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x01161970,  // GFS2
    0x7461636F,  // OCFS2
    0x20030528,  // OrangeFS
    0x19830326,  // BeeGFS
    0x786F4256,  // VirtualBox's shared folders
    0xBACBACBC,  // VMware's
    0x0000564C,  // NCP
};

// As the kernel's list of mounts has it.
std::string escaped(const std::string& path) {
  std::string text;
  for (const char byte : path) {
    if (byte == ' ') {
      text += "\\040";
    } else if (byte == '\t') {
      text += "\\011";
    } else if (byte == '\n') {
      text += "\\012";
    } else if (byte == '\\') {
      text += "\\134";
    } else {
      text += byte;
    }
  }
  return text;
}

bool holds(const std::string& folder, const std::string& path) {
  return folder == "/" || path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

}  // namespace

bool may_hang(int fd) {
  struct statfs found {};
  if (fstatfs(fd, &found) != 0) return true;
  return std::ranges::find(kMayHang, static_cast<std::uint32_t>(found.f_type)) != kMayHang.end();
}

std::string mounted_device(const std::string& path) {
  const std::string place = escaped(path);
  std::string device;
  std::size_t longest = 0;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string mount;
    std::string parent;
    std::string number;
    std::string root;
    std::string folder;
    if (!(fields >> mount >> parent >> number >> root >> folder)) continue;
    // Of those that are mounted on one another the last is seen.
    if (folder.size() < longest || !holds(folder, place)) continue;
    longest = folder.size();
    device = number;
  }
  return device;
}

}  // namespace garner
