// How folders lie to each other, whatever way leads to them: links are followed, and a folder that is mounted
// a second time has another path there and is the same folder.
#pragma once

#include <string>

namespace garner::daemon {

// `path` is the folder, or lies in it. Neither need exist: then what exists above it is looked at. Links in a
// circle lead nowhere.
bool lies_in(const std::string& path, const std::string& folder);

}  // namespace garner::daemon
