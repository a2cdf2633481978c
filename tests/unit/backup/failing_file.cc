#include "failing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <fstream>
#include <mutex>
#include <stdexcept>

namespace garner::backup {

namespace {

struct Fault {
  ino_t inode = 0;
  int error_number = 0;
  int left = 0;
  int before = 0;
  std::string vanishing;
};

std::mutex mutex;

Fault& fault_of(FailingCall::Call call) {
  static std::array<Fault, 2> faults;
  return faults.at(static_cast<std::size_t>(call));
}

std::atomic<ino_t> ending = 0;
std::atomic<off_t> end = 0;

// Under the mutex.
struct Change {
  ino_t inode = 0;
  int left = 0;
  std::string path;
};
Change change;

ino_t inode_of(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) throw std::runtime_error(path + " is not there");
  return status.st_ino;
}

ino_t inode_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

void change_before_read(int fd) {
  const std::lock_guard lock(mutex);
  if (change.left == 0 || inode_of(fd) != change.inode) return;
  --change.left;
  std::ofstream(change.path, std::ios::app) << '+';
}

// Whether this call for it is to fail; errno is set then.
bool fails(FailingCall::Call call, ino_t inode) {
  const std::lock_guard lock(mutex);
  Fault& fault = fault_of(call);
  if (fault.left == 0 || fault.inode != inode || fault.before-- > 0) return false;
  --fault.left;
  if (!fault.vanishing.empty()) unlink(fault.vanishing.c_str());
  errno = fault.error_number;
  return true;
}

}  // namespace

FailingCall::FailingCall(Call call, const std::string& path, int error_number, int times, bool vanishes,
                         int before)
    : call_(call) {
  const ino_t inode = inode_of(path);
  const std::lock_guard lock(mutex);
  fault_of(call) = {inode, error_number, times, before, vanishes ? path : ""};
}

FailingCall::~FailingCall() {
  const std::lock_guard lock(mutex);
  fault_of(call_).left = 0;
}

int FailingCall::left() const {
  const std::lock_guard lock(mutex);
  return fault_of(call_).left;
}

EarlyEnd::EarlyEnd(const std::string& path, long length) {
  end = length;
  ending = inode_of(path);
}

EarlyEnd::~EarlyEnd() { ending = 0; }

ChangesWhenRead::ChangesWhenRead(const std::string& path, int times) {
  const ino_t inode = inode_of(path);
  const std::lock_guard lock(mutex);
  change = {inode, times, path};
}

ChangesWhenRead::~ChangesWhenRead() {
  const std::lock_guard lock(mutex);
  change = {};
}

}  // namespace garner::backup

// In place of the C library's, for all of this program.

extern "C" int statx(int folder, const char* path, int flags, unsigned int mask,
                     struct statx* status) noexcept {
  using namespace garner::backup;
  const long result = syscall(SYS_statx, folder, path, flags, mask, status);
  return result == 0 && fails(FailingCall::Call::kStatus, status->stx_ino) ? -1 : static_cast<int>(result);
}

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
  if (fd < 0 || !fails(FailingCall::Call::kOpen, inode_of(fd))) return fd;
  const int error_number = errno;
  close(fd);
  errno = error_number;
  return -1;
}

extern "C" ssize_t pread(int fd, void* buffer, std::size_t size, off_t offset) {
  using namespace garner::backup;
  change_before_read(fd);
  if (const ino_t inode = ending; inode != 0 && inode_of(fd) == inode)
    size = static_cast<std::size_t>(std::clamp<off_t>(end - offset, 0, static_cast<off_t>(size)));
  return syscall(SYS_pread64, fd, buffer, size, offset);
}
