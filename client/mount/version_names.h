// How versions/ of a mount names things: paths of the source as they are, and below that of a file the times
// since which snapshots have each version.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "garner/v1/service.pb.h"
#include "mount/node_table.h"

namespace garner::client::mount {

// Where each version is, by its name: the time of the first snapshot that has it, as in sets/NAME/; of
// versions that would have the same name that which nobody has seen for longest has the short one. Folders
// are left out: what was in them is seen below.
std::map<std::string, Location> version_names(const v1::ListVersionsResponse& versions);
// Whether a version may have that name; a file may, too.
bool may_be_version(std::string_view name);

// Of the newest version that is a folder; null without one.
const v1::FileVersion* newest_folder(const v1::ListVersionsResponse& versions);

}  // namespace garner::client::mount
