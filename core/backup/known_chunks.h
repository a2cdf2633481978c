// The chunks that an earlier version of a file had. Where the file still has the same bytes it is cut at the
// same places, so whoever reads it again need not look for them: if what was a chunk has the id that it had,
// it is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::backup {

namespace v1 = store::v1;

class KnownChunks {
 public:
  // Of the version that `earlier` describes; null for none. A list that cannot be read is none, and of a huge
  // file only the first chunks are known: nothing rests on them.
  KnownChunks(const v1::Node* earlier, store::BlobSource& source);

  struct Chunk {
    crypto::BlobId id;
    std::uint64_t offset = 0;  // in the file
    std::size_t length = 0;
    bool cut_by_content = false;  // another chunk follows: neither the file's end nor a hole cut it
  };
  // The chunk that began at `offset`. Offsets ascend from call to call.
  const Chunk* at(std::uint64_t offset);

 private:
  std::vector<Chunk> chunks_;
  std::size_t next_ = 0;
};

}  // namespace garner::backup
