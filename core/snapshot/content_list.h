// Content lists: which blobs and holes a file is made of. A node holds up to kInlineEntries entries itself; a
// longer list is cut into blobs at content-defined places (by the ids of its entries), and lists of lists the
// same way, so that a change in the middle or an insertion at the front rewrites one blob a level.
//
// A list ends after the first entry that is no hole and is at least the kLeastListEntries'th, if the last 8
// bytes of the entry's id, as a little-endian number, are a multiple of kListBoundary, or it is at least the
// kMostListEntries'th. What is left at the end of the file becomes a list a level as well, except that a
// single entry moves up to the next level as it is. So a list has at least two entries, equal content has
// lists that end at the same places whatever the process was that built them (and is stored as differences or
// not), and only the file's last list may end with a hole.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.h"
#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

inline constexpr std::size_t kInlineEntries = 8;
inline constexpr std::size_t kLeastListEntries = 64;
inline constexpr std::size_t kMostListEntries = 1024;
inline constexpr std::uint64_t kListBoundary = 192;  // with the least length: 256 entries on average
inline constexpr std::size_t kMaximumListDepth = 16;

// What a DIFFERENCE is made of.
struct Difference {
  crypto::BlobId id;     // of what comes out of it
  crypto::BlobId base;   // a data blob
  crypto::BlobId patch;  // a data blob (store/difference.h)
};
// Of an entry of that type.
Difference difference_of(const v1::ContentEntry& entry);

// Builds the list of one file from front to back. Its state can be saved at any time and taken up by another
// process. One thread at a time.
class ContentListBuilder {
 public:
  ContentListBuilder() = default;
  // Continues from saved state. Error(kDamaged).
  explicit ContentListBuilder(ByteView saved);

  // `length` is above 0, and all lengths together are at most 2^63 - 1: Error(kInternal). Full lists go to
  // `sink`.
  void add_blob(const crypto::BlobId& id, std::uint64_t length, store::BlobSink& sink);
  void add_difference(const Difference& difference, std::uint64_t length, store::BlobSink& sink);
  void add_hole(std::uint64_t length);              // joins with a hole just before it
  std::uint64_t length() const { return length_; }  // bytes of file described so far
  Bytes save() const;
  // The entries for the node. Nothing may be added afterwards.
  std::vector<v1::ContentEntry> finish(store::BlobSink& sink);

 private:
  void grow(std::uint64_t length);
  void add(std::size_t level, v1::ContentEntry entry, store::BlobSink& sink);
  // Puts what the level holds as a list of the next level.
  void close_list(std::size_t level, store::BlobSink& sink);
  std::uint64_t length_ = 0;
  std::vector<v1::ContentList> levels_;  // entries that are in no blob yet; level 0 holds blobs and holes
};

// Gives the BLOB, DIFFERENCE and HOLE entries of a file one after the other. Lists are read as they are
// reached, and checked: lengths add up, no nesting deeper than kMaximumListDepth. Memory: one list a level.
class EntryReader {
 public:
  // `source` outlives it.
  EntryReader(const v1::Node& file, store::BlobSource& source);
  struct Placed {
    std::uint64_t offset = 0;  // in the file
    v1::ContentEntry entry;
  };
  // Nothing at the end. Errors: as BlobSource; Error(kDamaged).
  std::optional<Placed> next();
  // Passes by what ends at `offset` of the file or before, lists among it unread: next() begins with the
  // entry that holds it. Never goes back. Errors: as next().
  void skip_to(std::uint64_t offset);
  // In the file: where the next entry begins.
  std::uint64_t offset() const { return offset_; }

 private:
  struct Level {
    v1::ContentList list;
    int next = 0;
  };
  void enter_list();
  store::BlobSource& source_;
  std::vector<Level> levels_;
  std::uint64_t offset_ = 0;
};

// What walk_content tells, each function optional.
struct ContentVisitor {
  // A BLOB, DIFFERENCE or HOLE, in order, and the offset in the file at which it begins; false stops the
  // walk.
  std::function<bool(std::uint64_t offset, const v1::ContentEntry& entry)> entry;
  // A LIST before it is read; false skips what is in it.
  std::function<bool(const v1::ContentEntry& list)> list;
  // A LIST that could not be read or breaks the rules, which is skipped then. Absent: the error is thrown, as
  // Error(kDestinationAway) and Error(kCancelled) always are.
  std::function<void(const v1::ContentEntry& list, const Error& error)> unreadable;
};
// Reads lists as they are reached, and checks them: lengths add up, no nesting deeper than kMaximumListDepth.
// Memory: one list a level. Errors: as BlobSource; Error(kDamaged).
void walk_content(const v1::Node& file, store::BlobSource& source, const ContentVisitor& visitor);

// The list that an entry of type LIST refers to, held against that entry. `levels_above`: how many lists it
// is below, the node's own entries counted as one. Errors: as BlobSource; Error(kDamaged).
v1::ContentList load_list(const v1::ContentEntry& entry, std::size_t levels_above, store::BlobSource& source);

// Calls `visit` with every BLOB, DIFFERENCE and HOLE entry in order and the offset in the file at which it
// begins. Lists are read as they are reached, and checked: lengths add up, no nesting deeper than 16. `visit`
// returns false to stop.
void for_each_entry(const v1::Node& file, store::BlobSource& source,
                    const std::function<bool(std::uint64_t offset, const v1::ContentEntry& entry)>& visit);
// The blobs that an entry names itself: none for a hole, and two for a difference.
void for_each_blob_of(const v1::ContentEntry& entry,
                      const std::function<void(crypto::BlobKind, const crypto::BlobId&)>& visit);
// Every blob that holds part of the content, lists included: for closures.
void for_each_content_blob(const v1::Node& file, store::BlobSource& source,
                           const std::function<void(crypto::BlobKind, const crypto::BlobId&)>& visit);

}  // namespace garner::snapshot
