// Content lists: which blobs and holes a file is made of. A node holds up to kInlineEntries entries itself; a longer
// list is cut into blobs at content-defined places (by the ids of its entries), and lists of lists the same way, so
// that a change in the middle or an insertion at the front rewrites one blob a level.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

inline constexpr std::size_t kInlineEntries = 8;

// Builds the list of one file from front to back. Its state can be saved at any time and taken up by another process.
class ContentListBuilder {
 public:
  ContentListBuilder() = default;
  // Continues from saved state. Error(kDamaged).
  explicit ContentListBuilder(ByteView saved);

  // `length` is above 0. Full lists go to `sink`.
  void add_blob(const crypto::BlobId& id, std::uint64_t length, store::BlobSink& sink);
  void add_hole(std::uint64_t length);   // joins with a hole just before it
  std::uint64_t length() const { return length_; }  // bytes of file described so far
  Bytes save() const;
  // The entries for the node. Nothing may be added afterwards.
  std::vector<v1::ContentEntry> finish(store::BlobSink& sink);

 private:
  void add(std::size_t level, v1::ContentEntry entry, store::BlobSink& sink);
  std::uint64_t length_ = 0;
  std::vector<v1::ContentList> levels_;   // entries that are in no blob yet; level 0 holds blobs and holes
};

// Calls `visit` with every BLOB and HOLE entry in order and the offset in the file at which it begins. Lists are read
// as they are reached, and checked: lengths add up, no nesting deeper than 16. `visit` returns false to stop.
void for_each_entry(const v1::Node& file, store::BlobSource& source,
                    const std::function<bool(std::uint64_t offset, const v1::ContentEntry& entry)>& visit);
// Every blob that holds part of the content, lists included: for closures.
void for_each_content_blob(const v1::Node& file, store::BlobSource& source,
                           const std::function<void(crypto::BlobKind, const crypto::BlobId&)>& visit);

}  // namespace garner::snapshot
