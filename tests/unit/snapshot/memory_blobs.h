// Blobs in memory, for tests: a sink and a source in one.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "crypto/hash.h"
#include "store/blob_source.h"

namespace garner::testing {

class MemoryBlobs : public store::BlobSink, public store::BlobSource {
 public:
  crypto::BlobId put(crypto::BlobKind kind, ByteView content) override {
    const std::string bytes(as_text(content));
    crypto::BlobId id;
    id.value = crypto::hash(as_bytes(static_cast<char>(kind) + bytes));
    const bool is_new = blobs_.emplace(std::pair(kind, id), bytes).second;
    new_blobs += is_new ? 1 : 0;
    new_bytes += is_new ? bytes.size() : 0;
    return id;
  }

  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    ++reads;
    const auto found = blobs_.find({kind, id});
    if (found == blobs_.end()) throw Error(ErrorKind::kNotFound, "no such blob");
    return {found->second.begin(), found->second.end()};
  }

  void remove(crypto::BlobKind kind, const crypto::BlobId& id) { blobs_.erase({kind, id}); }
  // Puts other content under an id: what no repository does, but a bug could.
  void replace(crypto::BlobKind kind, const crypto::BlobId& id, std::string content) {
    blobs_[{kind, id}] = std::move(content);
  }
  const std::map<std::pair<crypto::BlobKind, crypto::BlobId>, std::string>& all() const { return blobs_; }

  std::size_t new_blobs = 0;
  std::size_t new_bytes = 0;
  std::size_t reads = 0;

 private:
  std::map<std::pair<crypto::BlobKind, crypto::BlobId>, std::string> blobs_;
};

}  // namespace garner::testing
