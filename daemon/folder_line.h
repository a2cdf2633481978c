// How folders lie to each other by device and inode: a folder that is mounted a second time has another path
// there, and is the same folder.
#pragma once

#include <string>

namespace garner::daemon {

// `path` is the folder, or lies in it: one of the folders from it up to the root is. False where either
// cannot be looked at.
bool lies_in(const std::string& path, const std::string& folder);

}  // namespace garner::daemon
