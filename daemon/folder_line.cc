#include "folder_line.h"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "ask_in_time.h"
#include "base/error.h"
#include "base/file.h"
#include "path_relation.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::seconds kLimit{20};

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

FolderLine::FolderLine() : calls_(std::make_shared<BoundedCalls>(kLimit)) {}

bool FolderLine::lies_in(const std::string& path, const std::string& folder) const {
  try {
    // One after the other, so that the one that hangs is known by its own name the next time.
    const std::string outer = ask_in_time(calls_, folder, [folder] { return followed(folder); });
    return ask_in_time(calls_, path, [path, outer] {
      const std::string inner = followed(path);
      return is_same_or_inside(inner, outer) || has_above(inner, outer);
    });
  } catch (const Error&) {
    return is_same_or_inside(path, folder);
  }
}

std::string FolderLine::resolved(const std::string& path) const {
  try {
    return ask_in_time(calls_, path, [path] { return followed(path); });
  } catch (const Error&) {
    return path;
  }
}

bool FolderLine::exists(const std::string& path) const {
  return ask_in_time(calls_, path, [path] {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw system_error(errno, printable(path), ErrorKind::kReadFailed);
  });
}

}  // namespace garner::daemon
