#include "odd_answers.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace garner::source {

namespace {

const OddAnswers* odd = nullptr;

ssize_t listed(ssize_t length, char* list, std::size_t size) {
  if (odd == nullptr || !odd->lists_twice || length <= 0) return length;
  if (size > 0 && size < static_cast<std::size_t>(2 * length)) {
    errno = ERANGE;
    return -1;
  }
  if (size > 0) std::copy_n(list, length, list + length);
  return 2 * length;
}

}  // namespace

OddAnswers::OddAnswers() { odd = this; }
OddAnswers::~OddAnswers() { odd = nullptr; }

}  // namespace garner::source

// In place of the C library's, for all of this program.

extern "C" int statx(int folder, const char* path, int flags, unsigned int mask,
                     struct statx* status) noexcept {
  const auto result = static_cast<int>(syscall(SYS_statx, folder, path, flags, mask, status));
  const auto* odd = garner::source::odd;
  if (result != 0 || odd == nullptr || !odd->nanos) return result;
  for (auto* time : {&status->stx_mtime, &status->stx_ctime, &status->stx_btime}) time->tv_nsec = *odd->nanos;
  return 0;
}

extern "C" ssize_t listxattr(const char* path, char* list, std::size_t size) noexcept {
  return garner::source::listed(syscall(SYS_listxattr, path, list, size), list, size);
}

extern "C" ssize_t flistxattr(int fd, char* list, std::size_t size) noexcept {
  return garner::source::listed(syscall(SYS_flistxattr, fd, list, size), list, size);
}

extern "C" ssize_t readlinkat(int folder, const char* path, char* buffer, std::size_t size) noexcept {
  const auto* odd = garner::source::odd;
  if (odd == nullptr || !odd->target) return syscall(SYS_readlinkat, folder, path, buffer, size);
  return static_cast<ssize_t>(odd->target->copy(buffer, size));
}
