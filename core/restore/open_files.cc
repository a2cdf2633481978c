#include "restore/open_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "restore/beneath.h"
#include "restore/existing.h"
#include "restore/metadata.h"
#include "restore/target_error.h"

namespace garner::restore {
namespace {

constexpr std::size_t kOpenFiles = 8;  // a shard

Fd create(int folder_fd, const std::string& name) {
  Fd file = open_beneath(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, kUnfinishedMode);
  if (!file.valid()) throw target_error(errno, "it could not be made");
  return file;
}

}  // namespace

Fd create_unfinished(int folder_fd, const v1::Node& node, bool whole, bool& is_temporary) {
  Fd file = create(folder_fd, is_temporary ? temporary_name(node.name()) : node.name());
  struct stat status {};
  if (!is_temporary && fstat(file.get(), &status) == 0 && !is_unfinished(status)) {
    unlinkat(folder_fd, node.name().c_str(), 0);
    is_temporary = true;
    remove_temporary(folder_fd, node.name());
    file = create(folder_fd, temporary_name(node.name()));
  }
  apply_storage_flags(file.get(), node);
  if (node.size() > 0 && !whole && ftruncate(file.get(), static_cast<off_t>(node.size())) != 0) {
    const Error error = target_error(errno, "it could not be given its size of " + human_bytes(node.size()));
    unlinkat(folder_fd, (is_temporary ? temporary_name(node.name()) : node.name()).c_str(), 0);
    throw error;
  }
  return file;
}

Fd open_pending(ContentBatch& batch, std::uint32_t file, const std::string& name) {
  const TargetFolder::Use folder(*batch.folder(file));
  const PendingFile& pending = batch.file(file);
  Fd fd = open_beneath(folder.fd(), pending.is_temporary ? temporary_name(name) : name,
                       O_WRONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.valid()) throw target_error(errno, "opening it again to write");
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw target_error(errno, "it could not be looked at");
  // That inode and owner are ours keeps another user, who may write in the folder, from having a file of his
  // own filled and given away.
  if (status.st_ino != pending.inode || status.st_dev != pending.device || !S_ISREG(status.st_mode) ||
      status.st_uid != geteuid()) {
    throw Error(ErrorKind::kWriteFailed, "it was replaced while it was restored");
  }
  return fd;
}

// One thread at a time for a file.
Fd OpenFiles::make(const Piece& piece) {
  PendingFile& pending = batch_.file(piece.file);
  const v1::Node node = batch_.node(piece.file);
  if (pending.inode != 0) return open_pending(batch_, piece.file, node.name());
  const TargetFolder::Use folder(*batch_.folder(piece.file));
  Fd fd =
      create_unfinished(folder.fd(), node, batch_.content_length(piece) == node.size(), pending.is_temporary);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw target_error(errno, "it could not be looked at");
  pending.inode = status.st_ino;
  pending.device = status.st_dev;
  return fd;
}

std::shared_ptr<const Fd> OpenFiles::open(const Piece& piece) {
  Shard& in = shard(piece.file);
  std::lock_guard lock(in.mutex);
  const auto found = in.entries.find(piece.file);
  if (found != in.entries.end()) {
    in.by_use.splice(in.by_use.begin(), in.by_use, found->second.place);
    return found->second.fd;
  }
  auto fd = std::make_shared<const Fd>(make(piece));
  in.by_use.push_front(piece.file);
  in.entries.emplace(piece.file, Entry{fd, in.by_use.begin()});
  if (in.entries.size() > kOpenFiles) {
    in.entries.erase(in.by_use.back());
    in.by_use.pop_back();
  }
  return fd;
}

void OpenFiles::close(std::uint32_t file) {
  Shard& in = shard(file);
  std::lock_guard lock(in.mutex);
  const auto found = in.entries.find(file);
  if (found == in.entries.end()) return;
  in.by_use.erase(found->second.place);
  in.entries.erase(found);
}

}  // namespace garner::restore
