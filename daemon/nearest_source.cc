#include "nearest_source.h"

#include <exception>

#include "base/error.h"

namespace garner::daemon {

Bytes NearestSource::read(crypto::BlobKind kind, const crypto::BlobId& id) {
  std::exception_ptr nearest;
  for (const auto& repository : repositories_) {
    try {
      return repository->read(kind, id);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      if (!nearest) nearest = std::current_exception();
    }
  }
  std::rethrow_exception(nearest);
}

std::uint64_t NearestSource::length_of(const crypto::BlobId& id) const {
  for (const auto& repository : repositories_) {
    try {
      if (const auto location = repository->index().find(id)) return location->length;
    } catch (const Error&) {
      // A local table that is damaged: another repository's may have it.
    }
  }
  return 0;
}

}  // namespace garner::daemon
