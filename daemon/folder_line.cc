#include "folder_line.h"

#include <sys/stat.h>

#include "base/file.h"

namespace garner::daemon {

bool lies_in(const std::string& path, const std::string& folder) {
  struct stat wanted {};
  if (stat(folder.c_str(), &wanted) != 0 || !S_ISDIR(wanted.st_mode)) return false;
  for (std::string at = path;; at = parent_path(at)) {
    struct stat status {};
    if (stat(at.c_str(), &status) != 0) return false;
    if (status.st_dev == wanted.st_dev && status.st_ino == wanted.st_ino) return true;
    if (at == "/") return false;
  }
}

}  // namespace garner::daemon
