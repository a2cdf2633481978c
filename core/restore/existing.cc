#include "restore/existing.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "restore/beneath.h"
#include "restore/metadata.h"
#include "restore/target_error.h"

namespace garner::restore {
namespace {

bool is_unfinished(const struct stat& existing) {
  return S_ISREG(existing.st_mode) && (existing.st_mode & 07777) == kUnfinishedMode &&
         existing.st_uid == geteuid();
}

bool is_older(const struct stat& existing, const v1::Node& node) {
  const struct timespec time = mtime_of(node);
  return existing.st_mtim.tv_sec != time.tv_sec ? existing.st_mtim.tv_sec < time.tv_sec
                                                : existing.st_mtim.tv_nsec < time.tv_nsec;
}

// Immutable and append-only names cannot be removed.
bool lift_protection(int folder_fd, const std::string& name, const struct stat& existing) {
  if (!S_ISREG(existing.st_mode) && !S_ISDIR(existing.st_mode)) return false;
  const Fd file = open_beneath(folder_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return file.valid() && clear_protection(file.get());
}

}  // namespace

Decision decide(int folder_fd, const std::optional<struct stat>& existing, const v1::Node& node,
                const RestoreOptions& options) {
  if (!existing) return Decision::kCreate;
  if (options.resuming && is_unfinished(*existing)) return Decision::kReplace;
  if (is_right(folder_fd, *existing, node)) return Decision::kRight;
  switch (options.overwrite) {
    case Overwrite::kRefuse:
      if (options.resuming) return Decision::kReplace;
      throw Error(ErrorKind::kAlreadyExists,
                  "it appeared in the target while the restore was running, and is kept");
    case Overwrite::kNever:
      return Decision::kKeep;
    case Overwrite::kOlder:
      return is_older(*existing, node) ? Decision::kReplace : Decision::kKeep;
    case Overwrite::kAlways:
      return Decision::kReplace;
  }
  return Decision::kKeep;
}

void remove_existing(int folder_fd, const std::string& name, const struct stat& existing) {
  const int flags = S_ISDIR(existing.st_mode) ? AT_REMOVEDIR : 0;
  if (unlinkat(folder_fd, name.c_str(), flags) == 0 || errno == ENOENT) return;
  int error_number = errno;
  if (error_number == EPERM && lift_protection(folder_fd, name, existing)) {
    if (unlinkat(folder_fd, name.c_str(), flags) == 0) return;
    error_number = errno;
  }
  if (error_number == ENOTEMPTY || error_number == EEXIST) {
    throw Error(ErrorKind::kAlreadyExists, "a folder that is not empty is in the way, and is kept");
  }
  throw target_error(error_number, "what is in its place could not be removed");
}

}  // namespace garner::restore
