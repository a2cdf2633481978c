#include "failing_reads.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <mutex>
#include <stdexcept>

namespace garner::backup {

namespace {

std::mutex open_mutex;
ino_t unopened = 0;
int open_error = 0;
int opens_left = 0;
std::string vanishing_name;

std::atomic<ino_t> ending = 0;
std::atomic<off_t> end = 0;

ino_t inode_of(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) throw std::runtime_error(path + " is not there");
  return status.st_ino;
}

bool is_of(int fd, ino_t inode) {
  struct stat status {};
  return fstat(fd, &status) == 0 && status.st_ino == inode;
}

}  // namespace

FailingOpen::FailingOpen(const std::string& path, int error_number, int times, bool vanishes) {
  const std::lock_guard lock(open_mutex);
  unopened = inode_of(path);
  open_error = error_number;
  opens_left = times;
  vanishing_name = vanishes ? path : "";
}

FailingOpen::~FailingOpen() {
  const std::lock_guard lock(open_mutex);
  opens_left = 0;
}

int FailingOpen::left() const {
  const std::lock_guard lock(open_mutex);
  return opens_left;
}

EarlyEnd::EarlyEnd(const std::string& path, long length) {
  end = length;
  ending = inode_of(path);
}

EarlyEnd::~EarlyEnd() { ending = 0; }

}  // namespace garner::backup

// In place of the C library's, for all of this program.

extern "C" int openat(int folder, const char* path, int flags, ...) {
  using namespace garner::backup;
  mode_t mode = 0;
  if (__OPEN_NEEDS_MODE(flags)) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const auto fd = static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  if (fd < 0) return fd;
  const std::lock_guard lock(open_mutex);
  if (opens_left == 0 || !is_of(fd, unopened)) return fd;
  --opens_left;
  close(fd);
  if (!vanishing_name.empty()) unlink(vanishing_name.c_str());
  errno = open_error;
  return -1;
}

extern "C" ssize_t pread(int fd, void* buffer, std::size_t size, off_t offset) {
  using namespace garner::backup;
  if (const ino_t inode = ending; inode != 0 && is_of(fd, inode))
    size = static_cast<std::size_t>(std::clamp<off_t>(end - offset, 0, static_cast<off_t>(size)));
  return syscall(SYS_pread64, fd, buffer, size, offset);
}
