// Packs and segments that no record names: of a run that was cut off before it could commit, or goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/repository.h"

namespace garner::maintenance {

struct Orphan {
  store::ObjectName name;
  std::string key;
  std::uint64_t size = 0;  // bytes
};

struct Orphans {
  std::vector<Orphan> old;
  std::vector<Orphan> young;  // or of unknown age
};

// The name that a pack or segment under this key has; nothing when neither can have that key.
std::optional<store::ObjectName> object_name_in(const std::string& key);

// Among `packs`, as the destination listed them, and the segments that are listed now, by the state and the
// index as it is now. `is_old` is asked of when an object was made.
Orphans find_orphans(store::Repository& repository, const store::v1::RepositoryState& state,
                     const std::vector<destination::ObjectInfo>& packs,
                     const std::function<bool(TimePoint)>& is_old);

}  // namespace garner::maintenance
