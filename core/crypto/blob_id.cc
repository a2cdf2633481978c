#include "crypto/blob_id.h"

#include <algorithm>

#include "base/error.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"

namespace garner::crypto {

BlobId BlobId::from_bytes(ByteView bytes) {
  BlobId id;
  if (bytes.size() != id.value.size()) throw Error(ErrorKind::kDamaged, "a blob id that has not 32 bytes");
  std::copy(bytes.begin(), bytes.end(), id.value.begin());
  return id;
}

BlobHasher::BlobHasher(const Keyring& keyring)
    : keys_{keyring.derive(1, context::kDataId), keyring.derive(1, context::kTreeId),
            keyring.derive(1, context::kListId), keyring.derive(1, context::kSnapshotId)} {}

BlobId BlobHasher::id(BlobKind kind, ByteView content) const {
  const auto index = static_cast<std::size_t>(kind) - 1;
  if (index >= keys_.size()) throw Error(ErrorKind::kInternal, "a blob of no known kind");
  return {keyed_hash(keys_[index], content)};
}

}  // namespace garner::crypto
