#include "restore/target_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/error.h"
#include "base/release_chain.h"
#include "restore/beneath.h"
#include "restore/target_error.h"

namespace garner::restore {
namespace {

constexpr std::size_t kIdleDescriptors = 128;
constexpr std::size_t kFileSystems = 16;

}  // namespace

std::shared_ptr<TargetFolder> TargetFolder::open_root(const std::string& path) {
  std::shared_ptr<TargetFolder> folder(new TargetFolder(std::make_shared<Pool>(), nullptr, path));
  folder->fd_ = Fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder->fd_.valid()) throw target_error(errno, "opening the target " + printable(path));
  folder->uses_ = 1;  // the root stays open: all others are found through it
  std::lock_guard lock(folder->pool_->mutex);
  folder->note_file_system();
  return folder;
}

std::shared_ptr<TargetFolder> TargetFolder::open_child(std::shared_ptr<TargetFolder> parent,
                                                       const std::string& name) {
  TargetFolder& above = *parent;
  std::shared_ptr<TargetFolder> folder(new TargetFolder(above.pool_, std::move(parent), name));
  std::lock_guard lock(above.pool_->mutex);
  folder->pin();
  folder->unpin();
  return folder;
}

TargetFolder::~TargetFolder() {
  {
    std::lock_guard lock(pool_->mutex);
    if (fd_.valid() && uses_ == 0) pool_->idle.erase(idle_place_);
  }
  release_chain(std::move(parent_));
}

void TargetFolder::note_file_system() {
  struct stat status {};
  if (fstat(fd_.get(), &status) != 0) throw target_error(errno, "it could not be looked at");
  if (known_ && (status.st_dev != device_ || status.st_ino != inode_)) {
    throw Error(ErrorKind::kWriteFailed, "the folder was replaced while it was restored");
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
  known_ = true;
  auto& file_systems = pool_->file_systems;
  if (file_systems.contains(device_)) return;
  Fd copy(file_systems.size() < kFileSystems ? fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0) : -1);
  if (copy.valid()) {
    file_systems.emplace(device_, std::move(copy));
  } else {
    pool_->more_file_systems = true;
  }
}

void TargetFolder::open_in(int parent_fd) {
  fd_ = open_beneath(parent_fd, name_, O_RDONLY | O_DIRECTORY);
  if (!fd_.valid()) {
    const int error_number = errno;
    if (error_number == ENOENT) throw Error(ErrorKind::kNotFound, "the folder is gone", error_number);
    throw target_error(error_number, "the folder could not be opened");
  }
  try {
    note_file_system();
  } catch (...) {
    fd_.reset();
    throw;
  }
}

void TargetFolder::pin() {
  if (fd_.valid()) {
    if (uses_++ == 0) pool_->idle.erase(idle_place_);
    return;
  }
  std::vector<TargetFolder*> closed;
  TargetFolder* open = this;
  while (!open->fd_.valid()) {
    closed.push_back(open);
    open = open->parent_.get();
  }
  open->pin();
  for (auto folder = closed.rbegin(); folder != closed.rend(); ++folder) {
    try {
      (*folder)->open_in(open->fd_.get());
    } catch (...) {
      open->unpin();
      throw;
    }
    (*folder)->uses_ = 1;
    open->unpin();
    open = *folder;
  }
}

void TargetFolder::unpin() {
  if (--uses_ > 0) return;
  pool_->idle.push_front(this);
  idle_place_ = pool_->idle.begin();
  if (pool_->idle.size() > kIdleDescriptors) {
    pool_->idle.back()->fd_.reset();
    pool_->idle.pop_back();
  }
}

TargetFolder::Use::Use(TargetFolder& folder) : folder_(folder) {
  std::lock_guard lock(folder_.pool_->mutex);
  folder_.pin();
}

TargetFolder::Use::~Use() {
  std::lock_guard lock(folder_.pool_->mutex);
  folder_.unpin();
}

std::string TargetFolder::path() const {
  std::vector<const TargetFolder*> chain;
  for (const TargetFolder* folder = this; folder != nullptr; folder = folder->parent_.get())
    chain.push_back(folder);
  std::string path;
  for (auto folder = chain.rbegin(); folder != chain.rend(); ++folder) {
    if (!path.empty() && path.back() != '/') path += '/';
    path += (*folder)->name_;
  }
  return path;
}

std::string TargetFolder::path_of(const std::string& name) const { return path_in(path(), name); }

void TargetFolder::sync_file_systems() {
  std::vector<int> descriptors;
  bool all = false;
  {
    // Descriptors in the map stay open as long as the pool.
    std::lock_guard lock(pool_->mutex);
    for (const auto& [device, fd] : pool_->file_systems) descriptors.push_back(fd.get());
    all = pool_->more_file_systems;
  }
  for (const int fd : descriptors) {
    if (syncfs(fd) != 0) throw target_error(errno, "making what was written durable");
  }
  if (all) sync();
}

}  // namespace garner::restore
