// Folders that no backup takes, wherever it comes upon them: repositories and the state folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bounded_calls.h"
#include "source/folder_handle.h"
#include "source/metadata.h"

namespace garner::source {

// Known by what they are, whatever way leads to them. One that cannot be looked at, as when its file system
// hangs, is known by its path only. Constant once made, and thread-safe.
class ExcludedFolders {
 public:
  ExcludedFolders() = default;
  // `paths`: absolute. Waits for one that hangs as long as `calls` do; they may be none. Error(kCancelled).
  ExcludedFolders(const std::vector<std::string>& paths, const std::shared_ptr<BoundedCalls>& calls);

  bool hold(const FolderHandle& folder, const FileStatus& status) const;

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> identities_;  // device and inode
  std::vector<std::string> paths_;
};

}  // namespace garner::source
