// What the file system of a file or folder has room for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace garner {

struct DiskSpace {
  std::uint64_t free = 0;  // bytes this process may still write
  std::uint64_t total = 0;
};

// Nothing, with errno, where it cannot be asked.
std::optional<DiskSpace> disk_space(const std::string& path);

}  // namespace garner
