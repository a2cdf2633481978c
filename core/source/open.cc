#include "source/open.h"

#include <fcntl.h>

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

}  // namespace

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
