#include "source/open.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace garner::source {
namespace {

Fd open_retrying(int folder_fd, const char* name, int flags) {
  int fd = -1;
  do {
    fd = openat(folder_fd, name, flags | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return Fd(fd);
}

Fd open_same_mount_retrying(int folder_fd, const char* name, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_NO_XDEV;
  long fd = -1;
  do {
    fd = syscall(SYS_openat2, folder_fd, name, &how, sizeof how);
  } while (fd < 0 && errno == EINTR);
  return Fd(static_cast<int>(fd));
}

}  // namespace

Fd open_same_mount(int folder_fd, const char* name, int flags) {
  constexpr int kReading = O_RDONLY | O_NONBLOCK | O_NOFOLLOW;
  Fd fd = open_same_mount_retrying(folder_fd, name, flags | kReading | O_NOATIME);
  if (!fd.valid() && errno == EPERM) fd = open_same_mount_retrying(folder_fd, name, flags | kReading);
  // EPERM: some containers know no newer calls.
  if (fd.valid() || (errno != ENOSYS && errno != EPERM)) return fd;
  return open_for_reading(folder_fd, name, flags);
}

Fd open_for_reading(int folder_fd, const char* name, int flags) {
  return open_following(folder_fd, name, flags | O_NOFOLLOW);
}

Fd open_following(int folder_fd, const char* name, int flags) {
  Fd fd = open_retrying(folder_fd, name, flags | O_RDONLY | O_NONBLOCK | O_NOATIME);
  if (fd.valid() || errno != EPERM) return fd;
  return open_retrying(folder_fd, name, flags | O_RDONLY | O_NONBLOCK);
}

Fd open_as_path(int folder_fd, const char* name) {
  return open_retrying(folder_fd, name, O_PATH | O_NOFOLLOW);
}

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace garner::source
