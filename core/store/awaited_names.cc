#include "store/awaited_names.h"

#include <string>

#include "base/bytes.h"

namespace garner::store {

void AwaitedNames::add(const ObjectName& name) {
  const std::lock_guard lock(mutex_);
  condemned_.try_emplace(name, false);
}

void AwaitedNames::note(const v1::RecordBody& body) {
  const std::lock_guard lock(mutex_);
  if (condemned_.empty()) return;
  for (const std::string& name : body.condemn()) {
    const auto found = condemned_.find(ObjectName::from_bytes(as_bytes(name)));
    if (found != condemned_.end()) found->second = true;
  }
}

bool AwaitedNames::was_condemned(const ObjectName& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = condemned_.find(name);
  return found != condemned_.end() && found->second;
}

void AwaitedNames::remove_if(const std::function<bool(const ObjectName&)>& is_live) {
  const std::lock_guard lock(mutex_);
  std::erase_if(condemned_, [&](const auto& entry) { return is_live(entry.first); });
}

}  // namespace garner::store
