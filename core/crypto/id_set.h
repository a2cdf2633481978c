// A set of blob ids in 16 bytes each: ids are keyed hashes, of which half is as good as unique. One thread
// writes.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/blob_id.h"

namespace garner::crypto {

class IdSet {
 public:
  // False if it was there.
  bool insert(const BlobId& id) { return halves_.insert(half_of(id)).second; }
  bool contains(const BlobId& id) const { return halves_.contains(half_of(id)); }
  bool empty() const { return halves_.empty(); }
  std::size_t size() const { return halves_.size(); }
  void clear() { halves_.clear(); }
  // Adds what the other holds, and empties it.
  void merge(IdSet& other) {
    halves_.merge(other.halves_);
    other.halves_.clear();
  }

 private:
  using Half = std::array<std::uint8_t, 16>;
  struct HalfHash {
    using is_avalanching = void;
    std::size_t operator()(const Half& half) const noexcept {
      std::size_t prefix;
      std::memcpy(&prefix, half.data(), sizeof prefix);
      return prefix;
    }
  };
  static Half half_of(const BlobId& id) {
    Half half;
    std::copy_n(id.value.begin(), half.size(), half.begin());
    return half;
  }
  boost::unordered_flat_set<Half, HalfHash> halves_;
};

}  // namespace garner::crypto
