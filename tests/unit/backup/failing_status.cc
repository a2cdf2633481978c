#include "failing_status.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <stdexcept>

namespace garner::backup {

namespace {

std::mutex mutex;
ino_t failing = 0;
int error = 0;
int calls_before = 0;
int calls_left = 0;
std::string vanishing;

}  // namespace

FailingStatus::FailingStatus(const std::string& path, int error_number, int times, bool vanishes,
                             int before) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) throw std::runtime_error(path + " is not there");
  const std::lock_guard lock(mutex);
  failing = status.st_ino;
  error = error_number;
  calls_left = times;
  calls_before = before;
  vanishing = vanishes ? path : "";
}

FailingStatus::~FailingStatus() {
  const std::lock_guard lock(mutex);
  calls_left = 0;
}

int FailingStatus::left() const {
  const std::lock_guard lock(mutex);
  return calls_left;
}

}  // namespace garner::backup

// In place of the C library's, for all of this program.
extern "C" int statx(int folder, const char* path, int flags, unsigned int mask,
                     struct statx* status) noexcept {
  using namespace garner::backup;
  const long result = syscall(SYS_statx, folder, path, flags, mask, status);
  if (result != 0) return static_cast<int>(result);
  const std::lock_guard lock(mutex);
  if (calls_left == 0 || status->stx_ino != failing) return 0;
  if (calls_before > 0) {
    --calls_before;
    return 0;
  }
  --calls_left;
  if (!vanishing.empty()) unlink(vanishing.c_str());
  errno = error;
  return -1;
}
