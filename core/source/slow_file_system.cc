#include "source/slow_file_system.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>

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
  switch (calls_->run(std::move(work))) {
    case BoundedCalls::Outcome::kDone:
      return;
    case BoundedCalls::Outcome::kLate:
      hung_ = true;
      throw Error(ErrorKind::kReadFailed, message(), ETIMEDOUT);
    case BoundedCalls::Outcome::kRefused:
      hung_ = true;
      throw Error(ErrorKind::kReadFailed,
                  "it is not looked at, for " + std::to_string(calls_->left_behind()) +
                      " earlier calls to file systems that hang have not returned",
                  ETIMEDOUT);
  }
}

}  // namespace garner::source
