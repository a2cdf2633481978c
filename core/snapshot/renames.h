// Files that are gone from one place and new in another with the same content.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "garner/v1/store.pb.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Told of all files that were removed and all that were added, it pairs those of the same content: each with
// one at most, the first with the first as they were told. Only regular files of at least a byte count: all
// empty ones are alike.
//
// Memory is bounded: of either side kMostFiles are remembered, with kMostPathBytes of paths, which is about
// 40 MiB at worst. What comes after these stays removed and added. One thread at a time.
class Renames {
 public:
  static constexpr std::size_t kMostFiles = 50'000;
  static constexpr std::size_t kMostPathBytes = 8u << 20;

  // Several trees may have a file of one path.
  struct Spot {
    std::size_t tree;
    std::string path;
    auto operator<=>(const Spot&) const = default;
  };

  // Before match(). What is no such file is left out.
  void removed(const v1::Node& node, Spot spot) { removed_.add(node, std::move(spot)); }
  void added(const v1::Node& node, Spot spot) { added_.add(node, std::move(spot)); }
  void match();

  // After it. Whether what was removed there is now elsewhere.
  bool has_left(const Spot& spot) const { return left_.contains(spot); }
  // Where that was which was added there; null where it is new.
  const Spot* origin(const Spot& spot) const;

 private:
  struct File {
    crypto::Digest content;
    Spot spot;
  };
  struct Side {
    void add(const v1::Node& node, Spot spot);
    std::vector<File> files;
    std::size_t path_bytes = 0;
  };

  Side removed_;
  Side added_;
  std::set<Spot> left_;
  std::map<Spot, Spot> origins_;
};

}  // namespace garner::snapshot
