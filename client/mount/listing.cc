#include "mount/listing.h"

#include <utility>

namespace garner::client::mount {

const Listing::Item* Listing::at(std::uint64_t place, const Fetch& fetch) {
  if (!is_begun_ || place < first_) {
    page_ = fetch("");
    first_ = 0;
    is_begun_ = true;
  }
  while (place - first_ >= page_.items.size() && page_.more) {
    Page next = fetch(page_.items.back().name);
    first_ += page_.items.size();
    page_ = std::move(next);
  }
  const std::uint64_t in_page = place - first_;
  return in_page < page_.items.size() ? &page_.items[static_cast<std::size_t>(in_page)] : nullptr;
}

}  // namespace garner::client::mount
