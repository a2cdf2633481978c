// The objects below a folder of an SFTP server, for list().
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "destination/destination.h"
#include "destination/sftp/client.h"

namespace garner::destination {

// As Destination::list, for the objects below `root`. Several folders are read at once, and parts of one, so
// that a long way to the server costs little; only those that can hold a key above `start_after`. What is no
// object (links, devices, names that no key can have) is passed over, and so is what vanishes in between; a
// missing folder holds nothing. Every entry of a folder that is read is sent by the server: SFTP knows no
// beginning.
std::vector<ObjectInfo> list_remote_folder(SftpClient& client, const std::string& root,
                                           const std::string& prefix, const std::string& start_after);

// Names of what lies in the folder at `path`, whatever it is; once there are `enough`, without the rest.
std::vector<std::string> names_in_remote_folder(SftpClient& client, const std::string& path,
                                                std::size_t enough);

}  // namespace garner::destination
