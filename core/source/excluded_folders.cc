#include "source/excluded_folders.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "source/slow_file_system.h"

namespace garner::source {

ExcludedFolders::ExcludedFolders(const std::vector<std::string>& paths,
                                 const std::shared_ptr<BoundedCalls>& calls) {
  for (const std::string& path : paths) {
    try {
      const struct stat status = status_in_time(calls, path);
      identities_.emplace_back(status.st_dev, status.st_ino);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kNotFound) continue;
      if (error.kind() != ErrorKind::kReadFailed) throw;
      spdlog::warn("{}, which is not to be backed up, cannot be looked at: {}", printable(path),
                   error.what());
      paths_.push_back(path);
    }
  }
}

bool ExcludedFolders::hold(const FolderHandle& folder, const FileStatus& status) const {
  if (std::ranges::find(identities_, std::pair(status.device, status.inode)) != identities_.end())
    return true;
  return !paths_.empty() && std::ranges::find(paths_, folder.path()) != paths_.end();
}

}  // namespace garner::source
