// Blobs cut from the input, for whatever follows ids from one to the next: the first byte of an id is the
// number of the blob that it stands for, so that blobs can name one another, and themselves. That is more
// than a hostile repository can: there ids are hashes.
#pragma once

#include <vector>

#include "fuzz/fuzz.h"
#include "store/blob_source.h"

namespace garner::fuzz {

class BlobPieces final : public store::BlobSource {
 public:
  // u16 length and that many bytes, again and again.
  explicit BlobPieces(Input& input) {
    while (!input.at_end() && blobs_.size() < 256) blobs_.push_back(input.piece(input.number(2)));
  }
  Bytes read(crypto::BlobKind, const crypto::BlobId& id) override {
    if (id.value[0] >= blobs_.size()) throw Error(ErrorKind::kNotFound, "no such blob");
    const ByteView blob = blobs_[id.value[0]];
    return Bytes(blob.begin(), blob.end());
  }
  bool empty() const { return blobs_.empty(); }

 private:
  std::vector<ByteView> blobs_;
};

}  // namespace garner::fuzz
