#include "base/disk_space.h"

#include <sys/statvfs.h>

namespace garner {

std::optional<DiskSpace> disk_space(const std::string& path) {
  struct statvfs facts {};
  if (statvfs(path.c_str(), &facts) != 0) return std::nullopt;
  return DiskSpace{facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize};
}

}  // namespace garner
