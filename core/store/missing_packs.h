// Which packs a repository lists and its destination has not.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "destination/destination.h"
#include "store/object_name.h"

namespace garner::store {

// Those of `live`, packs and their sizes in bytes, that are not there, or of another size. One listing;
// errors of the destination.
std::vector<ObjectName> missing_packs(destination::Destination& place,
                                      const std::map<ObjectName, std::uint64_t>& live);

}  // namespace garner::store
