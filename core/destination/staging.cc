#include "destination/staging.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/uuid.h"

namespace garner::destination {

namespace {

[[noreturn]] void throw_gone(const std::string& path) {
  throw Error(ErrorKind::kDestinationAway,
              "the folder " + printable(path) + " is gone: was the disk that holds it unmounted?");
}

}  // namespace

StagedFile::~StagedFile() {
  if (!published_) unlink(path_.c_str());
}

bool StagedFile::publish(const std::string& to) {
  fd_.reset();  // an open file that is unlinked stays on NFS, under a name of its making, until it is closed
  published_ = publish_file(path_, to);
  return published_;
}

// Seen before it is looked for: another thread may make it just after it was found missing.
void Staging::check() const {
  const bool seen = seen_;
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0) {
    seen_ = true;
  } else if (errno == ENOENT && seen) {
    throw_gone(path_);
  }
}

void Staging::ensure() {
  check();
  if (seen_) return;
  // One level only: the root itself is never made here.
  // Durable, for whatever a caller of staging_folder() keeps in it is meant to outlive a crash.
  make_folder_durably(path_);
  seen_ = true;
}

StagedFile Staging::create() {
  ensure();
  std::string path = path_ + "/" + std::string(kTemporaryPrefix) + Uuid::random().text();
  try {
    Fd fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    remove_leftovers(fd.get());
    return StagedFile(std::move(path), std::move(fd));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound) throw_gone(path_);
    throw;
  }
}

// Ages are told by the clock of the file system, which the time of a file just made shows: the disk may be
// another machine's. Whatever cannot be removed stays; it does no harm but to space.
void Staging::remove_leftovers(int fresh_fd) {
  if (cleaned_.exchange(true)) return;
  struct stat fresh {};
  if (fstat(fresh_fd, &fresh) != 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path_.c_str()), closedir);
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder.get())) {
    struct stat status {};
    if (fstatat(dirfd(folder.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const bool published = S_ISREG(status.st_mode) && status.st_nlink > 1;
    if (!published && !std::string_view(entry->d_name).starts_with(kTemporaryPrefix)) continue;
    if (status.st_mtim.tv_sec > fresh.st_mtim.tv_sec - kLeftoverAge) continue;
    unlinkat(dirfd(folder.get()), entry->d_name, 0);
  }
}

}  // namespace garner::destination
