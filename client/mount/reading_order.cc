#include "mount/reading_order.h"

#include <algorithm>

namespace garner::client::mount {

bool ReadingOrder::note(std::uint64_t offset, std::uint64_t length) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t apart = offset > end_ ? offset - end_ : end_ - offset;
  if (apart > kNear) {
    in_order_ = 0;
    end_ = offset;
  }
  in_order_ += length;
  end_ = std::max(end_, offset + length);
  return in_order_ > kEnough;
}

}  // namespace garner::client::mount
