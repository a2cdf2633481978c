// A folder of the source tree, reached from its parent by name, so that no path is ever longer than a
// component. The descriptor is opened when it is needed and given back when too many are open; it is then
// opened again through its parent and must be the same folder (device and inode).
//
// All handles below one root share a pool of open descriptors: half of RLIMIT_NOFILE, at least 64 and at most
// 8192. Those that nobody uses stay open, the ones used last longest. More are open only while more are in
// use at a time. Nothing here recurses, however deep folders are nested.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "base/file.h"

namespace garner::source {

// Shared by all work below the folder. Thread-safe.
class FolderHandle {
  class Pool;
  struct Key {};  // keeps construction to the functions below

 public:
  // The folder `path` (absolute; may be a symbolic link to one, since the user named it). Error(kReadFailed),
  // kNotFound.
  static std::shared_ptr<FolderHandle> open_root(const std::string& path);
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

 private:
  int acquire();
  void release();
  // Opens this folder alone, through its parent's descriptor.
  Fd open(int parent_fd) const;
  // Takes the descriptor of a new handle, which says from now on which folder it is.
  void adopt(Fd fd);
  // Device and inode.
  std::pair<std::uint64_t, std::uint64_t> identity(const Fd& fd) const;

  const std::shared_ptr<Pool> pool_;
  std::shared_ptr<FolderHandle> parent_;
  const std::string name_;  // the whole path, for the root
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;

  // The pool's, under its mutex.
  Fd fd_;
  std::size_t users_ = 0;
  std::list<FolderHandle*> place_;  // its one element moves to the pool's list of idle descriptors and back
  std::list<FolderHandle*>::iterator element_;
};

}  // namespace garner::source
