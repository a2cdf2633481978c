// Trees: a folder's nodes in name order, as one page or, for a huge folder, pages that are cut at places
// their names decide, so that a new entry rewrites one page a level.
//
// A page ends after an entry that is at least its kLeastPageEntries'th, if the first 8 bytes of BLAKE3 of the
// entry's name (a node's name, a reference's first name) are, as a little-endian number, a multiple of
// kPageBoundary; after its kMaximumPageEntries'th entry; and before an entry with which its serialized form
// would be longer than kPageBytes, unless it is still empty. References to pages are gathered and cut the
// same way, level upon level, until one page holds all.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

inline constexpr std::size_t kLeastPageEntries = 128;
inline constexpr std::uint64_t kPageBoundary = 384;  // with the least length: 512 entries on average
inline constexpr std::size_t kPageBytes = 512u << 10;
inline constexpr std::size_t kMaximumPageDepth = 8;  // pages above each other within one folder

// Looks up the name of a uid or gid; empty where there is none.
struct OwnerNames {
  std::function<std::string(std::uint32_t uid)> user;
  std::function<std::string(std::uint32_t gid)> group;
};

struct BuiltTree {
  crypto::BlobId id;  // of the first page
  v1::Totals totals;
};

// Builds one folder's tree. Nodes come in ascending order of name and are validated; Error(kInternal) for a
// node out of order or not valid. Memory: one page a level. `sink` and `names` must outlive it. One thread at
// a time.
class TreeBuilder {
 public:
  TreeBuilder(store::BlobSink& sink, const OwnerNames& names) : sink_(sink), names_(names) {}
  void add(v1::Node node);
  BuiltTree finish();  // also for a folder without entries

 private:
  struct Level {
    v1::TreePage page;
    v1::Totals totals;
    std::uint64_t nodes = 0;  // folder entries in the page or below it
    std::size_t bytes = 0;    // of the serialized page
  };

  void add_reference(std::size_t level, v1::PageReference reference);
  void close_page(std::size_t level);
  store::BlobSink& sink_;
  const OwnerNames& names_;
  std::string last_name_;
  std::vector<Level> levels_;  // level 0 gathers nodes, the others page references
  std::map<std::uint32_t, std::string>
      users_;  // of the nodes in level 0; an empty name is known to be missing
  std::map<std::uint32_t, std::string> groups_;
};

// A node as it was read, with its owner's names where they are known.
struct NamedNode {
  v1::Node node;
  std::string user;
  std::string group;
};

// Reads one folder's tree front to back, a page at a time. One thread at a time.
class TreeReader {
 public:
  TreeReader(store::BlobSource& source, const crypto::BlobId& id);
  // Begins with the first name behind `after`; pages before that are not read. Errors: as next().
  TreeReader(store::BlobSource& source, const crypto::BlobId& id, std::string_view after);
  // The next node in name order. Errors: as BlobSource; Error(kDamaged) for pages that break the rules.
  std::optional<NamedNode> next();
  // Of the whole tree, as its first page has it; each page below was, or will be, held against it.
  const v1::Totals& totals() const { return totals_; }

 private:
  void open(const crypto::BlobId& id, const v1::PageReference* reference);
  store::BlobSource& source_;
  struct Level {
    v1::TreePage page;
    int next = 0;
  };
  std::vector<Level> levels_;
  v1::Totals totals_;
  std::string last_name_;
};

// The folder's node of that name; reads the pages on the way to it only.
std::optional<NamedNode> find_in_tree(store::BlobSource& source, const crypto::BlobId& tree,
                                      std::string_view name);

// Reads a page, validates it and holds it against the reference it was reached by (null for a tree's first
// page). Errors: as BlobSource; Error(kDamaged) naming the page.
struct LoadedPage {
  v1::TreePage page;
  v1::Totals totals;
};
LoadedPage load_page(store::BlobSource& source, const crypto::BlobId& id, const v1::PageReference* reference);

}  // namespace garner::snapshot
