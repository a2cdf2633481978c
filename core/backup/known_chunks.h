// The chunks that an earlier version of a file had. Where the file still has the same bytes it is cut at the
// same places, so whoever reads it again need not look for them: if what was a chunk has the id that it had,
// it is one. Where the file has other bytes, they may be little but what was there before.
//
// Places are those of the earlier version: what was inserted or taken out since is learnt from chunks that
// are found again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "snapshot/content_list.h"
#include "store/blob_source.h"

namespace garner::backup {

namespace v1 = store::v1;

// The earlier list is read along with the file, and a few chunks of it are held at a time. What is returned
// is valid until the next call. One thread at a time.
class KnownChunks {
 public:
  // Of the version that `earlier` describes; null for none. A list that cannot be read ends what is known:
  // nothing rests on it. `source` outlives it.
  KnownChunks(const v1::Node* earlier, store::BlobSource& source);

  struct Chunk {
    crypto::BlobId id;
    std::uint64_t offset = 0;  // in the earlier version
    std::uint64_t length = 0;
    bool cut_by_content = false;                     // neither the file's end nor a hole cut it
    std::optional<snapshot::Difference> difference;  // where it was stored as one
  };
  // Offsets ascend from call to call.
  // The chunk that began where `offset` is now.
  const Chunk* at(std::uint64_t offset);
  // The chunk of this id near `offset`, if there is one. Teaches how places have moved.
  const Chunk* find(const crypto::BlobId& id, std::uint64_t offset);
  // The chunk that had the place of these bytes, or most of it.
  const Chunk* instead_of(std::uint64_t offset, std::size_t length);

 private:
  std::size_t position(std::uint64_t offset);
  void read_next();

  std::optional<snapshot::EntryReader> reader_;  // until all is read
  std::vector<Chunk> chunks_;
  std::uint64_t moved_ = 0;  // from a place now to that in the earlier version, modulo 2^64
};

}  // namespace garner::backup
