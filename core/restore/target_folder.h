// A folder of the target, reached from its parent by name, so that no path is ever longer than a component
// and no link is ever followed. Its descriptor is opened when it is needed and given back when too many are
// open; it is then opened again through its parent and must be the same folder (device and inode).
#pragma once

#include <sys/types.h>

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/file.h"

namespace garner::restore {

// Shared by all work in the folder; safe from any thread. All folders of one root share a bounded pool of
// descriptors.
class TargetFolder {
 public:
  // The folder `path` (absolute; may be a symbolic link to one, since the user named it).
  static std::shared_ptr<TargetFolder> open_root(const std::string& path);
  // The folder `name` in `parent`. Error(kNotFound) when there is none; kWriteFailed, kPermissionDenied.
  static std::shared_ptr<TargetFolder> open_child(std::shared_ptr<TargetFolder> parent,
                                                  const std::string& name);
  ~TargetFolder();
  TargetFolder(const TargetFolder&) = delete;
  TargetFolder& operator=(const TargetFolder&) = delete;

  // Keeps the descriptor open while it lives. The folder must outlive it.
  class Use {
   public:
    explicit Use(TargetFolder& folder);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    int fd() const { return folder_.fd_.get(); }

   private:
    TargetFolder& folder_;
  };

  std::string path() const;                            // for messages: as long as it is
  std::string path_of(const std::string& name) const;  // of a name in it

  // Makes everything that was written to the file systems on which folders of this root lie durable (syncfs).
  // Error(kTargetFull), Error(kWriteFailed).
  void sync_file_systems();

 private:
  struct Pool {
    std::mutex mutex;
    std::list<TargetFolder*> idle;  // open but in no use, the last used first
    std::map<dev_t, Fd> file_systems;
    bool more_file_systems = false;  // than are kept: sync(2) then
  };

  TargetFolder(std::shared_ptr<Pool> pool, std::shared_ptr<TargetFolder> parent, std::string name)
      : pool_(std::move(pool)), parent_(std::move(parent)), name_(std::move(name)) {}
  // With the pool's mutex held.
  void pin();
  void unpin();
  void open_in(int parent_fd);
  void note_file_system();

  const std::shared_ptr<Pool> pool_;
  std::shared_ptr<TargetFolder> parent_;  // null for the root
  const std::string name_;                // the root's: its path
  Fd fd_;
  unsigned uses_ = 0;
  std::list<TargetFolder*>::iterator idle_place_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool known_ = false;  // device and inode were seen
};

}  // namespace garner::restore
