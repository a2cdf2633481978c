// A folder of the source tree, reached from its parent by name, so that no path is ever longer than a component. The
// descriptor is opened when it is needed and given back when too many are open; it is then opened again through its
// parent and must be the same folder (device and inode).
#pragma once

#include <memory>
#include <string>

#include "base/file.h"

namespace garner::source {

// Shared by all work below the folder. Thread-safe.
class FolderHandle {
 public:
  // The folder `path` (absolute; may be a symbolic link to one, since the user named it). Error(kReadFailed).
  static std::shared_ptr<FolderHandle> open_root(const std::string& path);
  // The folder `name` in `parent`, not followed if it is a link. Error(kReadFailed), kNotFound.
  static std::shared_ptr<FolderHandle> open_child(std::shared_ptr<FolderHandle> parent, const std::string& name);
  ~FolderHandle();

  // Keeps the descriptor open while it lives.
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

  std::string path() const;   // for messages: as long as it is

 private:
  FolderHandle() = default;
  std::shared_ptr<FolderHandle> parent_;
  std::string name_;
};

}  // namespace garner::source
