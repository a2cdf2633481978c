// How paths lie to each other, by their letters.
#pragma once

#include <string_view>

namespace garner::daemon {

// Both absolute and normal.
inline bool is_same_or_inside(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace garner::daemon
