// Which blobs of several suppliers are wanted: a bit an entry of each one's index. One thread marks; then
// any may ask.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backup/supplier.h"
#include "crypto/blob_id.h"
#include "store/index.h"
#include "store/object_name.h"

namespace garner::backup {

// Some blobs of a pack of one of the repositories.
struct WantedPack {
  std::size_t repository = 0;  // its number
  store::ObjectName name;
  store::PackKind kind = store::PackKind::kData;
  std::uint64_t blobs = 0;  // that are wanted
  std::uint64_t bytes = 0;  // raw, of these
};

class WantedBlobs {
 public:
  // Their indexes as they are now.
  explicit WantedBlobs(const std::vector<Supplier>& suppliers);

  // Of the first repository that has the blob. False where none has.
  bool add(const crypto::BlobId& id);
  // Whether it is to be taken from this pack of that repository: from one place, if several have it.
  bool is_wanted_from(std::size_t repository, const store::ObjectName& pack, const crypto::BlobId& id) const;
  // Those that have something, data before metadata, each repository's together. One pass over every index;
  // 100 bytes a pack.
  std::vector<WantedPack> packs() const;

 private:
  struct Part {
    store::Index::Frozen index;
    std::vector<std::uint64_t> bits;
    bool has(std::uint64_t number) const { return (bits[number / 64] >> (number % 64) & 1) != 0; }
  };
  std::vector<Part> parts_;
};

}  // namespace garner::backup
