// When the versions of what stood at a path were there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace garner::snapshot {

// What a snapshot has at the path.
struct Sight {
  enum class Kind { kOutside, kAbsent, kPresent };
  Kind kind = Kind::kOutside;  // the path is in no source of the snapshot
  std::size_t version = 0;     // kPresent: its number
};

// Snapshots have numbers, which grow from the oldest on.
class VersionHistory {
 public:
  struct Appearance {
    std::size_t version = 0;
    std::size_t first = 0;
    std::size_t last = 0;
    std::uint64_t snapshots = 0;  // that have it
  };
  // Nothing stood there, in the last snapshot of every set that ever had something there.
  struct Gap {
    std::size_t first = 0;
    std::size_t last = 0;
    std::uint64_t snapshots = 0;  // in which nothing stood there
    bool ended = false;           // something came back
  };

  // Oldest first. `set` is one for which nothing may stand there while it does for another.
  void add(std::size_t snapshot, const std::string& set, const Sight& sight);

  // The one that was last seen first.
  std::vector<Appearance> newest_first() const;
  const std::vector<Gap>& gaps() const { return gaps_; }  // oldest first
  std::uint64_t snapshots() const { return snapshots_; }  // in whose sources the path is

 private:
  std::map<std::size_t, Appearance> appearances_;  // by version
  std::map<std::string, bool> holds_;              // of each set that ever had something there: its last one
  std::vector<Gap> gaps_;
  std::uint64_t snapshots_ = 0;
};

}  // namespace garner::snapshot
