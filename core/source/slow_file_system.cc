#include "source/slow_file_system.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/error.h"

namespace garner::source {

namespace {

// Those that linux/magic.h does not name are from the sources of the file systems.
constexpr std::array<std::uint32_t, 15> kMayHang = {
    NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  CIFS_SUPER_MAGIC,   SMB2_SUPER_MAGIC,
    FUSE_SUPER_MAGIC, CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC,   AFS_SUPER_MAGIC,
    AFS_FS_MAGIC,     V9FS_MAGIC,       AUTOFS_SUPER_MAGIC,
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x01161970,  // GFS2
    0x0000564C,  // NCP
};

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string((time.count() + 999) / 1000) + " s";
}

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

// The number of the device that is mounted where the path leads by its letters. From the kernel's list: what
// is mounted there is not asked. Empty where there is no such list.
std::string device_of(const std::string& path) {
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

}  // namespace

bool may_hang(int fd) {
  struct statfs found {};
  if (fstatfs(fd, &found) != 0) return true;
  return std::ranges::find(kMayHang, static_cast<std::uint32_t>(found.f_type)) != kMayHang.end();
}

std::string SlowFileSystem::message() const {
  return "its file system does not answer within " + seconds(calls_->limit()) +
         ": it is left out for the rest of the run, and what was known of it is kept";
}

void SlowFileSystem::call_bounded(std::function<void()> work) {
  if (hung_) throw Error(ErrorKind::kReadFailed, message(), ETIMEDOUT);
  std::call_once(named_, [this] { name_ = device_of(path_) + " " + path_; });
  switch (calls_->run(name_, std::move(work))) {
    case BoundedCalls::Outcome::kDone:
      return;
    case BoundedCalls::Outcome::kLate:
    case BoundedCalls::Outcome::kHangs:
      hung_ = true;
      throw Error(ErrorKind::kReadFailed, message(), ETIMEDOUT);
    case BoundedCalls::Outcome::kRefused:
      hung_ = true;
      throw Error(ErrorKind::kReadFailed,
                  "it is not looked at, for no thread can be had for it (" +
                      std::to_string(calls_->left_behind()) + " wait for file systems that do not answer)",
                  ETIMEDOUT);
  }
}

}  // namespace garner::source
