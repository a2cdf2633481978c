// A folder of the source tree, reached from its parent by name, so that no path is ever longer than a
// component. The descriptor is opened when it is needed and given back when too many are open; it is then
// opened again through its parent and must be the same folder (device and inode).
//
// All handles below one root share a pool of open descriptors: half of RLIMIT_NOFILE, at least 64 and at most
// 8192. Those that nobody uses stay open, the ones used last longest. More are open only while more are in
// use at a time. Nothing here recurses, however deep folders are nested.
//
// A folder on a file system that may hang, and everything below it, has a SlowFileSystem. What is asked of
// such a folder goes through that (FolderView does it): a Use of it must be made and given up there, too.
// Where a mount begins is known before anything is asked of what is mounted there.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "base/file.h"
#include "source/slow_file_system.h"

namespace garner::source {

// Shared by all work below the folder. Thread-safe.
class FolderHandle {
  class Pool;
  struct Key {};  // keeps construction to the functions below

 public:
  // The folder `path` (absolute; may be a symbolic link to one, since the user named it). Error(kReadFailed),
  // kNotFound. Without `calls` nothing below it counts as slow.
  static std::shared_ptr<FolderHandle> open_root(const std::string& path,
                                                 std::shared_ptr<BoundedCalls> calls = nullptr);
  // The folder `name` in `parent`, not followed if it is a link. Error(kReadFailed), kNotFound.
  static std::shared_ptr<FolderHandle> open_child(std::shared_ptr<FolderHandle> parent,
                                                  const std::string& name);
  FolderHandle(Key key, std::shared_ptr<Pool> pool, std::shared_ptr<FolderHandle> parent, std::string name);
  ~FolderHandle();
  FolderHandle(const FolderHandle&) = delete;
  FolderHandle& operator=(const FolderHandle&) = delete;

  // Keeps the descriptor open while it lives. Error(kReadFailed) when it cannot be opened again, or is
  // another folder by now; kNotFound when it is gone.
  class Use {
   public:
    explicit Use(FolderHandle& folder);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    int fd() const { return fd_; }

   private:
    FolderHandle& folder_;
    int fd_;
  };

  std::string path() const;  // for messages: as long as it is
  // Nothing where it does not hang.
  const std::shared_ptr<SlowFileSystem>& slow() const { return slow_; }

 private:
  int acquire();
  void release();
  // Opens this folder alone, through its parent's descriptor. Not valid, if `stay` is set, where something is
  // mounted: then nothing was asked of that.
  Fd open(int parent_fd, bool stay = false) const;
  // Takes the descriptor of a new handle, which says from now on which folder it is.
  void adopt(Fd fd);
  // Device and inode.
  std::pair<std::uint64_t, std::uint64_t> identity(const Fd& fd) const;

  const std::shared_ptr<Pool> pool_;
  std::shared_ptr<FolderHandle> parent_;
  const std::string name_;  // the whole path, for the root
  std::shared_ptr<SlowFileSystem> slow_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;

  // The pool's, under its mutex.
  Fd fd_;
  std::size_t users_ = 0;
  std::list<FolderHandle*> place_;  // its one element moves to the pool's list of idle descriptors and back
  std::list<FolderHandle*>::iterator element_;
};

}  // namespace garner::source
