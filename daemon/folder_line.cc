#include "folder_line.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "path_relation.h"

namespace garner::daemon {

namespace {

std::string followed(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  return error ? path : real.string();
}

// By device and inode.
bool has_above(const std::string& path, const std::string& folder) {
  struct stat wanted {};
  if (stat(folder.c_str(), &wanted) != 0 || !S_ISDIR(wanted.st_mode)) return false;
  for (std::string at = path;; at = parent_path(at)) {
    struct stat status {};
    if (stat(at.c_str(), &status) == 0 && status.st_dev == wanted.st_dev && status.st_ino == wanted.st_ino)
      return true;
    if (at == "/") return false;
  }
}

}  // namespace

bool lies_in(const std::string& path, const std::string& folder) {
  const std::string inner = followed(path);
  const std::string outer = followed(folder);
  return is_same_or_inside(inner, outer) || has_above(inner, outer);
}

}  // namespace garner::daemon
