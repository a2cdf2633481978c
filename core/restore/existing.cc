#include "restore/existing.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/hash.h"
#include "restore/beneath.h"
#include "restore/metadata.h"
#include "restore/target_error.h"

namespace garner::restore {
namespace {

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

bool is_unfinished(const struct stat& existing) {
  if (existing.st_uid != geteuid()) return false;
  // A folder may have its group's bit from the folder that it was made in.
  if (S_ISDIR(existing.st_mode)) return (existing.st_mode & 05777) == kUnfinishedFolderMode;
  return S_ISREG(existing.st_mode) && (existing.st_mode & 07777) == kUnfinishedMode;
}

std::string temporary_name(const std::string& name) {
  return ".garner-restore-" + to_hex(ByteView(crypto::hash(as_bytes(name))).first(16));
}

void remove_temporary(int folder_fd, const std::string& name) {
  unlinkat(folder_fd, temporary_name(name).c_str(), 0);
}

void replace_existing(int folder_fd, const std::string& name) {
  const std::string temporary = temporary_name(name);
  const auto rename = [&] { return renameat(folder_fd, temporary.c_str(), folder_fd, name.c_str()) == 0; };
  if (rename()) return;
  int error_number = errno;
  if (error_number == EPERM) {
    const auto existing = look_at(folder_fd, name);
    if (existing && lift_protection(folder_fd, name, *existing)) {
      if (rename()) return;
      error_number = errno;
    }
  }
  unlinkat(folder_fd, temporary.c_str(), 0);
  throw target_error(error_number, "what is in its place could not be replaced");
}

Decision decide(int folder_fd, const std::optional<struct stat>& existing, const v1::Node& node,
                const RestoreOptions& options) {
  if (!existing) return Decision::kCreate;
  const bool is_refusing = options.overwrite == Overwrite::kRefuse;
  if (is_unfinished(*existing) && (options.resuming || !is_refusing)) return Decision::kReplace;
  if (is_right(folder_fd, *existing, node)) return Decision::kRight;
  switch (options.overwrite) {
    case Overwrite::kRefuse:
      throw Error(ErrorKind::kAlreadyExists,
                  options.resuming
                      ? "it was changed since it was restored, and is kept: say with --overwrite "
                        "what may be replaced"
                      : "it appeared in the target while the restore was running, and is kept");
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
