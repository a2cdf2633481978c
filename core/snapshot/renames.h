// Files that are gone from one place and new in another with the same content.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Told of all files that were removed and all that were added, it pairs those of the same content: each with
// one at most, the first with the first as they were told; those that are stored alike before others. Only
// regular files of at least a byte count: all empty ones are alike.
//
// Ids tell what is stored alike. Of large files, which have lists, those that are left over are compared by
// what is in the lists (same_content.h): these are read of files only whose size was both removed and added.
//
// Memory is bounded: of either side kMostFiles are remembered, with kMostBytes of paths and of the entries of
// files that have lists, which is about 50 MiB at worst. What comes after these stays removed and added. One
// thread at a time.
class Renames {
 public:
  static constexpr std::size_t kMostFiles = 50'000;
  static constexpr std::size_t kMostBytes = 8u << 20;

  // Several trees may have a file of one path.
  struct Spot {
    std::size_t tree;
    std::string path;
    auto operator<=>(const Spot&) const = default;
  };

  // Before step(). What is no such file is left out.
  void removed(const v1::Node& node, Spot spot) { removed_.add(node, std::move(spot)); }
  void added(const v1::Node& node, Spot spot) { added_.add(node, std::move(spot)); }
  // Pairs them, by the lists of one file at most; false when that is done. Of a file whose lists cannot be
  // read it is not known what it holds. Error(kDestinationAway), Error(kCancelled).
  bool step(store::BlobSource& before, store::BlobSource& after);

  // After that. Whether what was removed there is now elsewhere.
  bool has_left(const Spot& spot) const { return left_.contains(spot); }
  // Where that was which was added there; null where it is new.
  const Spot* origin(const Spot& spot) const;

 private:
  struct File {
    crypto::Digest content;  // by how it is stored; then by what is in its lists
    std::uint64_t size;
    std::string lists;   // its entries, where these are lists; else empty
    std::size_t number;  // as they were told
    Spot spot;
    bool is_paired = false;
  };
  struct Side {
    void add(const v1::Node& node, Spot spot);
    // Reads on by the lists of one file; false when all are read.
    bool read(store::BlobSource& source);
    std::vector<File> files;
    std::size_t bytes = 0;
    std::size_t done = 0;  // of the files, whose lists were read
  };
  void pair();
  void keep_comparable();

  Side removed_;
  Side added_;
  bool is_begun_ = false;
  std::set<Spot> left_;
  std::map<Spot, Spot> origins_;
};

}  // namespace garner::snapshot
