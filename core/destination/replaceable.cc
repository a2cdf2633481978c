#include "destination/replaceable.h"

#include <utility>

namespace garner::destination {

void ReplaceableDestination::replace(std::shared_ptr<Destination> inner) {
  std::shared_ptr<Destination> old = std::move(inner);
  {
    const std::lock_guard lock(mutex_);
    std::swap(inner_, old);
  }
  // Its connections are closed by whoever is the last to use it.
}

std::shared_ptr<Destination> ReplaceableDestination::now() const {
  const std::lock_guard lock(mutex_);
  return inner_;
}

}  // namespace garner::destination
