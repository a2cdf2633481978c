// A snapshot as a folder, laid out as a restore lays it out: of one source alone the content itself is in it,
// or, where that is no folder, it under its name; several sources keep their absolute paths below it, with
// folders that are in none of them on the way there. Where a source lies in another, it is what is seen.
//
// Values and pure functions of a snapshot and its blobs: any thread may call them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "garner/v1/store.pb.h"
#include "snapshot/tree.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// A file or folder of the layout.
struct Place {
  std::string path;          // from the layout's root, names with '/' between them; empty: the root
  v1::Node node;             // as in its tree; it may have another name, or none, than in the layout
  std::uint32_t source = 0;  // number of the node's; with its mount and inode the identity of a hard link
  bool on_the_way = false;   // leads to sources and is in none: only type, mode and time of the node are set

  bool is_folder() const { return node.type() == v1::NODE_TYPE_FOLDER; }
};

class Layout {
 public:
  // Error(kDamaged) for a snapshot that breaks the rules.
  explicit Layout(const v1::Snapshot& snapshot);

  Place root() const;
  // Where a path of the machine, absolute and normal, is in it, whether anything stands there or not; nothing
  // where it is in no source.
  std::optional<std::string> path_of(const std::string& path) const;
  // What has that name in the folder; nothing where nothing has. Reads only the pages on the way to it.
  // Errors: as BlobSource; Error(kDamaged); Error(kInvalidInput) where `folder` is none.
  std::optional<Place> find(const Place& folder, std::string_view name, store::BlobSource& source) const;

  // What is in a folder, in name order. One thread at a time.
  class Reader {
   public:
    // Nothing at the end. Errors: as find().
    std::optional<Place> next();

   private:
    friend class Layout;
    Reader() = default;
    std::string folder_;
    std::uint32_t source_ = 0;
    std::optional<TreeReader> tree_;
    std::optional<v1::Node> ready_;        // the tree's next one
    std::map<std::string, Place> others_;  // sources and ways to them
  };
  // Of those whose names are behind `after`. Layout and `source` outlive it. Errors: as find().
  Reader read(const Place& folder, std::string_view after, store::BlobSource& source) const;

 private:
  struct Laid {
    std::string path;
    std::uint32_t source = 0;
  };
  Place way(std::string path) const;
  Place source_at(const Laid& laid) const;

  v1::Snapshot snapshot_;
  std::vector<Laid> sources_;
};

}  // namespace garner::snapshot
