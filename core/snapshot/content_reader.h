// The bytes of a file as a snapshot has them, from some place on to the end: what is stored as a difference
// is made whole, and holes stay holes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/scratch.h"
#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "snapshot/content_list.h"
#include "store/blob_source.h"
#include "store/difference.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Reads one file after the other. One thread at a time. Memory: a chunk, where the source shares its own the
// frame that has it, or of a difference three; one list a level.
class ContentReader {
 public:
  // Both outlive it; `hasher` has the source's keys.
  ContentReader(store::BlobSource& source, const crypto::BlobHasher& hasher)
      : source_(source), hasher_(hasher) {}

  struct Part {
    std::uint64_t length = 0;         // bytes of the file
    std::optional<ByteView> content;  // so many; nothing for a hole
  };
  // From now on next() reads this file, from this byte on; behind its end there is nothing. What lies before
  // is not read, nor are the lists of it. Errors: as next().
  void begin(const v1::Node& file, std::uint64_t from = 0);
  // Nothing at the end. What a part refers to is valid until the next call. Errors: as BlobSource;
  // Error(kDamaged), also when the parts do not add up to the file's size.
  std::optional<Part> next();

 private:
  std::optional<ByteView> content_of(const v1::ContentEntry& entry);
  ByteView read_blob(const v1::ContentEntry& entry);
  ByteView read_difference(const v1::ContentEntry& entry);

  store::BlobSource& source_;
  const crypto::BlobHasher& hasher_;
  std::optional<EntryReader> entries_;
  std::uint64_t left_ = 0;  // bytes of the file
  std::uint64_t skip_ = 0;  // bytes of the next part that come before those asked for
  store::BlobView blob_;
  Scratch made_;
  std::unique_ptr<store::DifferenceCodec> differences_;  // once there was one
};

}  // namespace garner::snapshot
