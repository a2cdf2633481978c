#include "restore/open_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "restore/beneath.h"
#include "restore/target_error.h"

namespace garner::restore {
namespace {

constexpr std::size_t kOpenFiles = 64;

}  // namespace

Fd open_pending(ContentBatch& batch, std::uint32_t file, const std::string& name) {
  const TargetFolder::Use folder(*batch.folder(file));
  Fd fd = open_beneath(folder.fd(), name, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.valid()) throw target_error(errno, "opening it again to write");
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw target_error(errno, "it could not be looked at");
  const PendingFile& pending = batch.file(file);
  // That inode and owner are ours keeps another user, who may write in the folder, from having a file of his
  // own filled and given away.
  if (status.st_ino != pending.inode || status.st_dev != pending.device || !S_ISREG(status.st_mode) ||
      status.st_uid != geteuid()) {
    throw Error(ErrorKind::kWriteFailed, "it was replaced while it was restored");
  }
  return fd;
}

std::shared_ptr<const Fd> OpenFiles::open(std::uint32_t file) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(file);
  if (found != entries_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second.place);
    return found->second.fd;
  }
  auto fd = std::make_shared<const Fd>(open_pending(batch_, file, batch_.node(file).name()));
  by_use_.push_front(file);
  entries_.emplace(file, Entry{fd, by_use_.begin()});
  if (entries_.size() > kOpenFiles) {
    entries_.erase(by_use_.back());
    by_use_.pop_back();
  }
  return fd;
}

void OpenFiles::close(std::uint32_t file) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(file);
  if (found == entries_.end()) return;
  by_use_.erase(found->second.place);
  entries_.erase(found);
}

}  // namespace garner::restore
