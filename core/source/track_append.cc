#include "source/track_append.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"
#include "source/folder_handle.h"
#include "source/metadata.h"
#include "source/open.h"
#include "source/rules.h"
#include "source/track_file.h"

namespace garner::source {

namespace {

std::shared_ptr<FolderHandle> open_below(const std::string& source, const std::string& below) {
  auto folder = FolderHandle::open_root(source);
  for (std::size_t at = 0; at < below.size();) {
    const std::size_t end = std::min(below.find('/', at), below.size());
    folder = FolderHandle::open_child(folder, below.substr(at, end - at));
    at = end + 1;
  }
  return folder;
}

// Nothing where it does not exist, or is something else by now.
std::shared_ptr<FolderHandle> open_source(const std::string& source) {
  try {
    return FolderHandle::open_root(source);
  } catch (const Error& error) {
    // What is no folder has no number.
    if (error.kind() == ErrorKind::kNotFound || error.error_number() == 0) return nullptr;
    throw;
  }
}

bool has_track_file(FolderHandle& folder) {
  try {
    FolderHandle::Use use(folder);
    return read_status(use.fd(), kTrackFileName).type == v1::NODE_TYPE_FILE;
  } catch (const Error&) {
    return false;
  }
}

// Somebody who saves at just that moment is seen; one who saves all the time is not waited for.
constexpr int kAttempts = 5;

bool is_same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// But for its last change, which a rename is.
bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mode == b.st_mode &&
         a.st_uid == b.st_uid && a.st_gid == b.st_gid && is_same_time(a.st_mtim, b.st_mtim);
}

// What has the name in the folder; links are not followed. Nothing where it has none, or does not tell.
std::optional<struct stat> status_of(int folder_fd, const std::string& name) {
  struct stat status {};
  if (fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return status;
}

// Removes what was written under a temporary name unless it got its own.
class Temporary {
 public:
  Temporary(int folder_fd, std::string name) : folder_fd_(folder_fd), name_(std::move(name)) {}
  ~Temporary() {
    if (!kept_) unlinkat(folder_fd_, name_.c_str(), 0);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  void keep() { kept_ = true; }
  const std::string& name() const { return name_; }

 private:
  int folder_fd_;
  std::string name_;
  bool kept_ = false;
};

bool exchange(int folder_fd, const std::string& name) {
  // By syscall(2): not every C library has the function.
  return syscall(SYS_renameat2, folder_fd, name.c_str(), folder_fd, kTrackFileName, RENAME_EXCHANGE) == 0;
}

// Gives the new file the name of the one that `before` is of. False, and nothing is changed, where another
// one has it by now. The names are exchanged first, and what came out is looked at then: between a look and a
// rename whatever an editor puts there would be lost. Where the file system cannot exchange, that is left.
bool take_place(int folder_fd, Temporary& temporary, const struct stat& before, const std::string& path) {
  const auto now = status_of(folder_fd, kTrackFileName);
  if (!now || !is_same_file(before, *now) || !is_same_time(before.st_ctim, now->st_ctim)) return false;
  const auto made = status_of(folder_fd, temporary.name());
  if (!exchange(folder_fd, temporary.name())) {
    if (errno == ENOENT) return false;
    if ((errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) &&
        renameat(folder_fd, temporary.name().c_str(), folder_fd, kTrackFileName) == 0) {
      temporary.keep();
      return true;
    }
    throw system_error(errno, printable(path) + ": cannot replace it", ErrorKind::kWriteFailed);
  }
  const auto taken = status_of(folder_fd, temporary.name());
  if (taken && is_same_file(before, *taken)) return true;
  const bool is_back = exchange(folder_fd, temporary.name());
  const auto left = status_of(folder_fd, temporary.name());
  if (is_back && made && left && is_same_file(*made, *left)) return false;
  // Saved once more in between: both are somebody else's.
  temporary.keep();
  throw Error(ErrorKind::kConflict, printable(path) +
                                        " was changed by somebody else again and again: what was "
                                        "there for a moment is beside it, as " +
                                        printable(temporary.name()));
}

// False when somebody else changed the file meanwhile.
bool try_to_append(int folder_fd, const std::string& path, const std::string& rule) {
  auto fail = [&](const std::string& what) {
    return system_error(errno, printable(path) + ": " + what, ErrorKind::kWriteFailed);
  };
  const Fd old = open_for_reading(folder_fd, kTrackFileName);
  struct stat before {};
  if (!old.valid() || fstat(old.get(), &before) != 0) throw fail("cannot read it");
  if (!S_ISREG(before.st_mode)) throw Error(ErrorKind::kWriteFailed, printable(path) + " is no regular file");
  Bytes text(kMostTrackFileBytes + 1);
  text.resize(read_at(old.get(), text, 0, path));
  std::string whole(as_text(text));
  if (!whole.empty() && whole.back() != '\n') whole += '\n';
  whole += rule + '\n';
  if (whole.size() > kMostTrackFileBytes) {
    throw Error(ErrorKind::kWriteFailed,
                printable(path) + " would become longer than 1 MiB: take rules out of it first");
  }
  const RuleList list = parse_track_file(path, whole);
  if (list.rules.size() + list.bad.size() > kMostRules) {
    throw Error(ErrorKind::kWriteFailed, printable(path) + " would have more than " +
                                             std::to_string(kMostRules) +
                                             " rules: take rules out of it first");
  }

  const std::string name = std::string(kTrackFileName) + "." + Uuid::random().text();
  const Fd made(openat(folder_fd, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made.valid()) throw fail("cannot write a new one beside it");
  Temporary temporary(folder_fd, name);
  // The owner first: changing it clears bits of the mode.
  const bool other_owner = before.st_uid != geteuid() || before.st_gid != getegid();
  if (other_owner && fchown(made.get(), before.st_uid, before.st_gid) != 0)
    throw fail("the new one cannot be given its owner");
  if (fchmod(made.get(), before.st_mode & 07777) != 0) throw fail("the new one cannot be given its mode");
  write_at(made.get(), as_bytes(whole), 0, path);
  if (fsync(made.get()) != 0) throw fail("cannot make the new one durable");
  if (!take_place(folder_fd, temporary, before, path)) return false;
  if (fsync(folder_fd) != 0) throw fail("it was replaced, but its folder cannot be made durable");
  return true;
}

}  // namespace

std::optional<std::string> nearest_track_folder(const std::string& source, const std::string& relative) {
  std::optional<std::string> nearest;
  auto folder = open_source(source);
  if (!folder) return nearest;
  if (has_track_file(*folder)) nearest = "";
  for (std::size_t at = 0;;) {
    const std::size_t end = relative.find('/', at);
    if (end == std::string::npos) return nearest;
    try {
      folder = FolderHandle::open_child(folder, relative.substr(at, end - at));
    } catch (const Error&) {
      return nearest;  // gone, or not to be looked into: what is in it does not count in a backup either
    }
    if (has_track_file(*folder)) nearest = relative.substr(0, end);
    at = end + 1;
  }
}

void append_to_track_file(const std::string& source, const std::string& below, const std::string& rule) {
  const auto folder = open_below(source, below);
  const FolderHandle::Use use(*folder);
  const std::string path = path_in(folder->path(), kTrackFileName);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (try_to_append(use.fd(), path, rule)) return;
  }
  throw Error(ErrorKind::kConflict,
              printable(path) + " is being changed by somebody else: give the command again");
}

}  // namespace garner::source
