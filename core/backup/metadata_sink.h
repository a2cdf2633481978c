// Where trees and content lists of a run go.
#pragma once

#include "crypto/blob_id.h"
#include "store/blob_source.h"
#include "store/blob_writer.h"

namespace garner::backup {

// Any thread.
class MetadataSink final : public store::BlobSink {
 public:
  MetadataSink(const crypto::BlobHasher& hasher, store::BlobWriter& writer)
      : hasher_(hasher), writer_(writer) {}
  crypto::BlobId put(crypto::BlobKind kind, ByteView content) override {
    const crypto::BlobId id = hasher_.id(kind, content);
    writer_.put_metadata(kind, id, content);
    return id;
  }

 private:
  const crypto::BlobHasher& hasher_;
  store::BlobWriter& writer_;
};

}  // namespace garner::backup
