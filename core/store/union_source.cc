#include "store/union_source.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"

namespace garner::store {

namespace {

// The more an error says of the blob, the later; whatever is not here is not of one repository alone.
constexpr std::array kOfOnePlace = {ErrorKind::kNotFound,   ErrorKind::kPermissionDenied,
                                    ErrorKind::kReadFailed, ErrorKind::kDamaged,
                                    ErrorKind::kForked,     ErrorKind::kDestinationAway};

}  // namespace

UnionSource::UnionSource(std::vector<Repository*> repositories,
                         std::function<bool(const Repository&)> is_last)
    : count_(repositories.size()),
      places_(std::make_unique<Place[]>(repositories.size())),
      is_last_(std::move(is_last)) {
  for (std::size_t i = 0; i < count_; ++i) places_[i].repository = repositories[i];
}

unsigned UnionSource::rank(const Place& place, const crypto::BlobId& id) const {
  if (place.was_away || (is_last_ && is_last_(*place.repository))) return 2;
  return place.repository->index().find_pack(id) ? 0 : 1;
}

Bytes UnionSource::read(crypto::BlobKind kind, const crypto::BlobId& id) {
  std::vector<std::pair<unsigned, Place*>> order;
  for (std::size_t i = 0; i < count_; ++i) order.emplace_back(rank(places_[i], id), &places_[i]);
  std::ranges::stable_sort(order, {}, [](const auto& one) { return one.first; });
  std::optional<Error> told;
  auto weight = kOfOnePlace.begin();
  for (const auto& [rank, place] : order) {
    try {
      Bytes content = place->repository->read(kind, id);
      place->was_away = false;
      place->has_given = true;
      return content;
    } catch (const Error& error) {
      place->was_away = error.kind() == ErrorKind::kDestinationAway;
      const auto found = std::ranges::find(kOfOnePlace, error.kind());
      if (found == kOfOnePlace.end()) throw;
      if (!told || found > weight) told = error;
      weight = std::max(weight, found);
    }
  }
  if (told) throw Error(*told);
  throw Error(ErrorKind::kNotFound, "blob " + id.hex() + " is in no repository");
}

}  // namespace garner::store
