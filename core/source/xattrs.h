// Extended attributes and inode flags of a file. Any thread.
#pragma once

#include <functional>
#include <string>

#include "garner/v1/store.pb.h"

namespace garner::source {

namespace v1 = store::v1;

// All extended attributes that can be read, into `node`, ascending by name. `path_only`: `fd` was opened with
// O_PATH. What is not permitted is reported to `warn` and left out; a file system without attributes is no
// error. Error(kReadFailed) for what fails otherwise, or takes more than a node may hold; Error(kUnavailable)
// without /proc.
void read_xattrs(int fd, bool path_only, v1::Node& node, const std::function<void(const std::string&)>& warn);

// FS_IOC_GETFLAGS, of which only the flags that a user can set are kept: what a file system says about how it
// stores a file (extents, an indexed folder, inline data) must make no difference between a file and its
// restored copy. 0 where there are none. `fd` was opened for reading.
std::uint32_t read_inode_flags(int fd, const std::function<void(const std::string&)>& warn);

}  // namespace garner::source
