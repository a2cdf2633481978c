// Trees: a folder's nodes in name order, as one page or, for a huge folder, pages that are cut at places their names
// decide, so that a new entry rewrites one page a level.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Looks up the name of a uid or gid; empty where there is none.
struct OwnerNames {
  std::function<std::string(std::uint32_t uid)> user;
  std::function<std::string(std::uint32_t gid)> group;
};

struct BuiltTree {
  crypto::BlobId id;    // of the first page
  v1::Totals totals;
};

// Builds one folder's tree. Nodes come in ascending order of name and are validated; Error(kInternal) for a node out
// of order or not valid. Memory: one page a level.
class TreeBuilder {
 public:
  TreeBuilder(store::BlobSink& sink, const OwnerNames& names) : sink_(sink), names_(names) {}
  void add(v1::Node node);
  BuiltTree finish();   // also for a folder without entries

 private:
  void close_page(std::size_t level);
  store::BlobSink& sink_;
  const OwnerNames& names_;
  std::string last_name_;
  std::vector<v1::TreePage> levels_;   // level 0 gathers nodes, the others page references
  std::vector<v1::Totals> totals_;
};

// A node as it was read, with its owner's names where they are known.
struct NamedNode {
  v1::Node node;
  std::string user;
  std::string group;
};

// Reads one folder's tree front to back, a page at a time.
class TreeReader {
 public:
  TreeReader(store::BlobSource& source, const crypto::BlobId& id);
  // The next node in name order. Errors: as BlobSource; Error(kDamaged) for pages that break the rules.
  std::optional<NamedNode> next();

 private:
  void open(const crypto::BlobId& id, std::string_view first_name);
  store::BlobSource& source_;
  struct Level {
    v1::TreePage page;
    int next = 0;
  };
  std::vector<Level> levels_;
  std::string last_name_;
  bool any_ = false;
};

// The folder's node of that name; reads the pages on the way to it only.
std::optional<NamedNode> find_in_tree(store::BlobSource& source, const crypto::BlobId& tree, std::string_view name);

}  // namespace garner::snapshot
