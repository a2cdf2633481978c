// Where blobs are read from. Implementations are safe to use from any thread.
#pragma once

#include <memory>
#include <utility>

#include "base/bytes.h"
#include "crypto/blob_id.h"

namespace garner::store {

// A blob's raw bytes, where they stand.
struct BlobView {
  std::shared_ptr<const void> memory;  // keeps what `content` refers to, and maybe more
  ByteView content;
};

class BlobSource {
 public:
  virtual ~BlobSource() = default;
  // The blob's raw bytes, whose id was computed again and matches. Error(kNotFound) when no live location is
  // known; Error(kDamaged) when none of them gives the blob.
  virtual Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) = 0;
  // The same without a copy, where the source has it in memory that can be shared.
  virtual BlobView view(crypto::BlobKind kind, const crypto::BlobId& id) {
    const auto blob = std::make_shared<const Bytes>(read(kind, id));
    return {blob, *blob};
  }
};

// Where trees and content lists that are being built go.
class BlobSink {
 public:
  virtual ~BlobSink() = default;
  // Stores the blob unless it is known, and returns its id.
  virtual crypto::BlobId put(crypto::BlobKind kind, ByteView content) = 0;
};

}  // namespace garner::store
