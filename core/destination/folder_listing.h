// The objects below a folder of this machine, for a local destination's list().
#pragma once

#include <string>
#include <vector>

#include "destination/destination.h"

namespace garner::destination {

// As Destination::list, for the objects below `root` (absolute). Reads only the folders that can hold a key
// above `start_after`, and asks for the sizes of only the files it returns. What is no object (links,
// devices, names that no key can have) is passed over, and so is what vanishes in between; a missing folder
// holds nothing. Any other failure is Error(kReadFailed), for a listing that leaves out what is there would
// be taken for the truth.
std::vector<ObjectInfo> list_folder(const std::string& root, const std::string& prefix,
                                    const std::string& start_after);

}  // namespace garner::destination
