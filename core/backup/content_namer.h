// What a backup would record as the content of a file, from its bytes alone: cut and named as by FileReader,
// and nothing stored.
#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "chunking/chunker.h"
#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "snapshot/content_list.h"
#include "store/blob_source.h"

namespace garner::backup {

// Names lists, and stores none. Any thread. The hasher outlives it.
class ListNamer final : public store::BlobSink {
 public:
  explicit ListNamer(const crypto::BlobHasher& hasher) : hasher_(hasher) {}
  crypto::BlobId put(crypto::BlobKind kind, ByteView content) override { return hasher_.id(kind, content); }

 private:
  const crypto::BlobHasher& hasher_;
};

// Memory: two chunks of the longest, and a list a level. One thread at a time.
class ContentNamer {
 public:
  // `take` is told of each chunk, in order. Chunker and hasher outlive the namer.
  using Take = std::function<void(const crypto::BlobId& id, std::uint64_t length)>;
  ContentNamer(const chunking::Chunker& chunker, const crypto::BlobHasher& hasher, Take take);

  // The file from front to back: the bytes of a range of data in any pieces, its end, and holes between
  // ranges.
  void add(ByteView data);
  void end_range();
  void add_hole(std::uint64_t length);

  // A file's node with its size and content. Nothing may be added afterwards.
  store::v1::Node finish();

 private:
  void cut();

  const chunking::Chunker& chunker_;
  const crypto::BlobHasher& hasher_;
  const Take take_;
  ListNamer lists_;
  snapshot::ContentListBuilder list_;
  Bytes buffer_;
  std::size_t first_ = 0;  // of what is not cut yet, in the buffer
  std::size_t filled_ = 0;
};

}  // namespace garner::backup
