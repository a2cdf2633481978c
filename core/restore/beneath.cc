#include "restore/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "restore/target_error.h"

namespace garner::restore {
namespace {

// EAGAIN: RESOLVE_BENEATH could not rule out a race with a rename and asks to try again.
constexpr int kRaceRetries = 64;

}  // namespace

Fd open_beneath(int folder_fd, const std::string& name, int flags, mode_t mode) {
  static std::atomic<bool> has_openat2 = true;
  flags |= O_CLOEXEC | O_NOFOLLOW;
  struct open_how how {};
  how.flags = static_cast<unsigned>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int races = 0;
  while (has_openat2.load(std::memory_order_relaxed)) {
    const long fd = syscall(SYS_openat2, folder_fd, name.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno == EINTR || (errno == EAGAIN && ++races < kRaceRetries)) continue;
    if (errno == ENOSYS) {
      has_openat2 = false;
      break;
    }
    // Seccomp filters that are older than the call answer EPERM: openat then tells whether it was that.
    if (errno == EPERM) break;
    return Fd();
  }
  for (;;) {
    const int fd = openat(folder_fd, name.c_str(), flags, mode);
    if (fd >= 0 || errno != EINTR) return Fd(fd);
  }
}

std::optional<struct stat> look_at(int folder_fd, const std::string& name) {
  struct stat status {};
  if (fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno == ENOENT) return std::nullopt;
  throw target_error(errno, "it could not be looked at");
}

}  // namespace garner::restore
