#include "store/missing_packs.h"

#include <string>
#include <utility>

#include "store/pack.h"

namespace garner::store {

std::vector<ObjectName> missing_packs(destination::Destination& place,
                                      const std::map<ObjectName, std::uint64_t>& live) {
  std::map<std::string, std::uint64_t> there;
  for (destination::ObjectInfo& object : place.list("packs/")) there[std::move(object.key)] = object.size;
  std::vector<ObjectName> missing;
  for (const auto& [name, size] : live) {
    const auto found = there.find(pack_key(name));
    if (found == there.end() || found->second != size) missing.push_back(name);
  }
  return missing;
}

}  // namespace garner::store
