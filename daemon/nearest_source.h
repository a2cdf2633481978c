// Blobs that several repositories have by the same names (backup/same_names.h).
#pragma once

#include <memory>
#include <vector>

#include "store/blob_source.h"
#include "store/repository.h"

namespace garner::daemon {

// Reads where it is nearest, and otherwise where else it is.
class NearestSource final : public store::BlobSource {
 public:
  // At least one, the nearest first.
  explicit NearestSource(std::vector<std::shared_ptr<store::Repository>> repositories)
      : repositories_(std::move(repositories)) {}

  // Errors: those of the nearest.
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override;
  // Raw bytes of a blob, by the index; 0 where none of them knows it.
  std::uint64_t length_of(const crypto::BlobId& id) const;

 private:
  const std::vector<std::shared_ptr<store::Repository>> repositories_;
};

}  // namespace garner::daemon
