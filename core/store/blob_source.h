// Where blobs are read from. Implementations are safe to use from any thread.
#pragma once

#include "base/bytes.h"
#include "crypto/blob_id.h"

namespace garner::store {

class BlobSource {
 public:
  virtual ~BlobSource() = default;
  // The blob's raw bytes, whose id was computed again and matches. Error(kNotFound) when no live location is
  // known; Error(kDamaged) when none of them gives the blob.
  virtual Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) = 0;
};

// Where trees and content lists that are being built go.
class BlobSink {
 public:
  virtual ~BlobSink() = default;
  // Stores the blob unless it is known, and returns its id.
  virtual crypto::BlobId put(crypto::BlobKind kind, ByteView content) = 0;
};

}  // namespace garner::store
