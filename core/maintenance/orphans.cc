#include "maintenance/orphans.h"

#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

namespace garner::maintenance {

using store::ObjectName;

std::optional<ObjectName> object_name_in(const std::string& key) {
  try {
    const ObjectName name = ObjectName::from_hex(base_name(key));
    return key == store::pack_key(name) || key == store::segment_key(name) ? std::optional(name)
                                                                           : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

Orphans find_orphans(store::Repository& repository, const store::v1::RepositoryState& state,
                     const std::vector<destination::ObjectInfo>& packs,
                     const std::function<bool(TimePoint)>& is_old) {
  std::set<ObjectName> known;
  for (const auto* names : {&state.condemned(), &state.dead()}) {
    for (const std::string& name : *names) known.insert(ObjectName::from_bytes(as_bytes(name)));
  }
  for (const store::v1::SegmentReference& segment : state.segments())
    known.insert(ObjectName::from_bytes(as_bytes(segment.name())));
  std::vector<destination::ObjectInfo> objects = packs;
  for (destination::ObjectInfo& object : repository.destination().list("index/"))
    objects.push_back(std::move(object));
  Orphans found;
  for (const destination::ObjectInfo& object : objects) {
    const std::optional<ObjectName> name = object_name_in(object.key);
    if (!name || known.contains(*name) || repository.index().is_named(*name)) continue;
    const bool old = object.modified && is_old(*object.modified);
    (old ? found.old : found.young).push_back({*name, object.key, object.size});
  }
  return found;
}

}  // namespace garner::maintenance
