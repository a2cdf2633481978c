#include "source/folder_handle.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mounts.h"
#include "source/open.h"

namespace garner::source {
namespace {

constexpr rlim_t kLeastDescriptors = 64;
constexpr rlim_t kMostDescriptors = 8192;

std::size_t descriptor_capacity() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLeastDescriptors;
  return std::clamp(limit.rlim_cur / 2, kLeastDescriptors, kMostDescriptors);
}

[[noreturn]] void throw_open_error(int error_number, const std::string& path) {
  if (error_number == ENOTDIR || error_number == ELOOP) {
    throw Error(ErrorKind::kReadFailed, printable(path) + " is not a folder");
  }
  throw system_error(error_number, "opening the folder " + printable(path),
                     error_number == ENOENT ? ErrorKind::kNotFound : ErrorKind::kReadFailed);
}

}  // namespace

// Thread-safe. Descriptors are closed without its mutex, since closing one on a network can take its time: in
// each function the descriptors to close are declared before the lock.
class FolderHandle::Pool {
 public:
  Pool(std::size_t capacity, std::shared_ptr<BoundedCalls> calls)
      : calls_(std::move(calls)), capacity_(capacity) {}

  const std::shared_ptr<BoundedCalls>& calls() const { return calls_; }

  // Its descriptor if it is open, kept open until unpin(); otherwise -1.
  int pin(FolderHandle& folder) {
    std::lock_guard lock(mutex_);
    return pin_locked(folder);
  }

  // Gives the folder its descriptor, unless another thread was faster, and pins it.
  int install(FolderHandle& folder, Fd fd) {
    std::vector<Fd> closed;
    std::lock_guard lock(mutex_);
    if (const int existing = pin_locked(folder); existing >= 0) {
      closed.push_back(std::move(fd));
      return existing;
    }
    folder.fd_ = std::move(fd);
    folder.users_ = 1;
    ++open_;
    close_idle_locked(capacity_, closed);
    return folder.fd_.get();
  }

  void unpin(FolderHandle& folder) {
    std::vector<Fd> closed;
    std::lock_guard lock(mutex_);
    if (--folder.users_ > 0) return;
    idle_.splice(idle_.end(), folder.place_);
    close_idle_locked(capacity_, closed);
  }

  // For when the process or the system has no more descriptors.
  void close_half_of_idle() {
    std::vector<Fd> closed;
    std::lock_guard lock(mutex_);
    close_idle_locked(open_ - (idle_.size() + 1) / 2, closed);
  }

  // Of a handle that is being destroyed: nobody uses it.
  void forget(FolderHandle& folder) {
    Fd closed;
    std::lock_guard lock(mutex_);
    if (folder.fd_.valid()) closed = take_locked(folder);
  }

  // Gives up a share in a handle. Handles whose last share that was are destroyed by the loop here and not by
  // each other, for a chain of parents may be longer than the stack is deep.
  void drop(std::shared_ptr<FolderHandle> handle) {
    std::unique_lock lock(mutex_);
    dropped_.push_back(std::move(handle));
    if (dropping_) return;
    dropping_ = true;
    while (!dropped_.empty()) {
      std::shared_ptr<FolderHandle> next = std::move(dropped_.back());
      dropped_.pop_back();
      lock.unlock();
      next.reset();
      lock.lock();
    }
    dropping_ = false;
  }

 private:
  int pin_locked(FolderHandle& folder) {
    if (!folder.fd_.valid()) return -1;
    if (folder.users_++ == 0) folder.place_.splice(folder.place_.end(), idle_, folder.element_);
    return folder.fd_.get();
  }

  // An idle folder's descriptor.
  Fd take_locked(FolderHandle& folder) {
    folder.place_.splice(folder.place_.end(), idle_, folder.element_);
    --open_;
    return std::move(folder.fd_);
  }

  // Until no more than `target` are open, or none is idle.
  void close_idle_locked(std::size_t target, std::vector<Fd>& closed) {
    while (open_ > target && !idle_.empty()) closed.push_back(take_locked(*idle_.front()));
  }

  const std::shared_ptr<BoundedCalls> calls_;
  std::mutex mutex_;
  const std::size_t capacity_;
  std::size_t open_ = 0;
  std::list<FolderHandle*> idle_;  // open and unused, the one used last at the end
  std::vector<std::shared_ptr<FolderHandle>> dropped_;
  bool dropping_ = false;
};

FolderHandle::FolderHandle(Key, std::shared_ptr<Pool> pool, std::shared_ptr<FolderHandle> parent,
                           std::string name)
    : pool_(std::move(pool)),
      parent_(std::move(parent)),
      name_(std::move(name)),
      place_{this},
      element_(place_.begin()) {}

FolderHandle::~FolderHandle() {
  pool_->forget(*this);
  if (!parent_) return;
  const std::shared_ptr<Pool> pool = pool_;
  pool->drop(std::move(parent_));
}

std::shared_ptr<FolderHandle> FolderHandle::open_root(const std::string& path,
                                                      std::shared_ptr<BoundedCalls> calls) {
  auto pool = std::make_shared<Pool>(descriptor_capacity(), calls);
  auto root = std::make_shared<FolderHandle>(Key{}, std::move(pool), nullptr, path);
  if (!calls) {
    root->adopt(root->open(AT_FDCWD));
    return root;
  }
  // Anything on the way to it may hang.
  const auto slow = std::make_shared<SlowFileSystem>(std::move(calls), path);
  const bool hangs = slow->call([root] {
    Fd fd = root->open(AT_FDCWD);
    const bool answer = may_hang(fd.get());
    root->adopt(std::move(fd));
    return answer;
  });
  if (hangs) root->slow_ = slow;
  return root;
}

std::shared_ptr<FolderHandle> FolderHandle::open_child(std::shared_ptr<FolderHandle> parent,
                                                       const std::string& name) {
  const std::shared_ptr<Pool> pool = parent->pool_;
  const std::shared_ptr<SlowFileSystem> above = parent->slow_;
  auto child = std::make_shared<FolderHandle>(Key{}, pool, std::move(parent), name);
  const bool bounded = pool->calls() != nullptr;
  if (!above) {
    const Use parent_use(*child->parent_);
    Fd fd = child->open(parent_use.fd(), /*stay=*/bounded);
    if (fd.valid()) {
      child->adopt(std::move(fd));
      return child;
    }
  }
  // Of another file system, or on a slow one, or both.
  const auto own = std::make_shared<SlowFileSystem>(pool->calls(), child->path());
  const bool hangs = (above ? above : own)->call([child] {
    const Use parent_use(*child->parent_);
    Fd fd = child->open(parent_use.fd());
    const bool answer = may_hang(fd.get());
    child->adopt(std::move(fd));
    return answer;
  });
  if (hangs) child->slow_ = above && child->device_ == child->parent_->device_ ? above : own;
  if (!child->slow_) child->slow_ = above;  // to come here again leads through what may hang
  return child;
}

void FolderHandle::adopt(Fd fd) {
  const auto [device, inode] = identity(fd);
  device_ = device;
  inode_ = inode;
  pool_->install(*this, std::move(fd));
  pool_->unpin(*this);
}

Fd FolderHandle::open(int parent_fd, bool stay) const {
  const auto attempt = [&] {
    if (!parent_) return open_following(AT_FDCWD, name_.c_str(), O_DIRECTORY);
    return stay ? open_same_mount(parent_fd, name_.c_str(), O_DIRECTORY)
                : open_for_reading(parent_fd, name_.c_str(), O_DIRECTORY);
  };
  Fd fd = attempt();
  if (!fd.valid() && (errno == EMFILE || errno == ENFILE)) {
    pool_->close_half_of_idle();
    fd = attempt();
  }
  if (!fd.valid() && !(stay && errno == EXDEV)) throw_open_error(errno, path());
  return fd;
}

std::pair<std::uint64_t, std::uint64_t> FolderHandle::identity(const Fd& fd) const {
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) {
    throw system_error(errno, "looking at the folder " + printable(path()), ErrorKind::kReadFailed);
  }
  return {status.st_dev, status.st_ino};
}

int FolderHandle::acquire() {
  int fd = pool_->pin(*this);
  if (fd >= 0) return fd;

  // Up to the nearest folder that is open, and from there down again.
  std::vector<FolderHandle*> closed{this};
  FolderHandle* reached = parent_.get();
  while (reached != nullptr) {
    fd = pool_->pin(*reached);
    if (fd >= 0) break;
    closed.push_back(reached);
    reached = reached->parent_.get();
  }
  try {
    for (; !closed.empty(); closed.pop_back()) {
      FolderHandle* const next = closed.back();
      Fd opened = next->open(fd);
      if (next->identity(opened) != std::pair(next->device_, next->inode_)) {
        throw Error(ErrorKind::kReadFailed,
                    printable(next->path()) + " was replaced while it was being read");
      }
      const int next_fd = pool_->install(*next, std::move(opened));
      if (reached != nullptr) pool_->unpin(*reached);
      reached = next;
      fd = next_fd;
    }
  } catch (...) {
    if (reached != nullptr) pool_->unpin(*reached);
    throw;
  }
  return fd;
}

void FolderHandle::release() { pool_->unpin(*this); }

FolderHandle::Use::Use(FolderHandle& folder) : folder_(folder), fd_(folder.acquire()) {}

FolderHandle::Use::~Use() { folder_.release(); }

std::string FolderHandle::path() const {
  std::vector<const std::string*> names;
  const FolderHandle* folder = this;
  for (; folder->parent_ != nullptr; folder = folder->parent_.get()) names.push_back(&folder->name_);
  std::string path = folder->name_;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!path.ends_with('/')) path += '/';
    path += **name;
  }
  return path;
}

}  // namespace garner::source
