// What has stood at a path: which version of it each snapshot has, and when each of them was there.
//
// Two versions are the same where type, size, mode, owner (by number), mtime, a link's target, a device's
// numbers and the content are: of a file its entries, of a folder its tree, so all that is recorded of what
// is in it. Content has other ids under other keys; there what is alike in all else is the same.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "garner/v1/store.pb.h"
#include "snapshot/tree.h"
#include "store/blob_source.h"
#include "store/lru_cache.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// What a snapshot has at the path.
struct Sight {
  enum class Kind { kOutside, kAbsent, kPresent };
  Kind kind = Kind::kOutside;  // the path is in no source of the snapshot
  std::size_t version = 0;     // kPresent: its place in versions()
};

// Looks into snapshots, one after the other. A folder that several have is read once. Memory: kRemembered of
// nodes on the way to the path, and a node without its content a version. One thread at a time.
class PathVersions {
 public:
  // Absolute and normal.
  explicit PathVersions(std::string path) : path_(std::move(path)) {}

  // `names` is a number for the keys and sizes of chunks by which content has its ids in `source`: the same
  // for sources in which they are the same. Errors: as BlobSource; Error(kDamaged). Nothing is remembered of
  // what could not be read.
  Sight look(const v1::Snapshot& snapshot, store::BlobSource& source, std::uint32_t names);
  // Those that were seen so far, in the order in which they were, without content and xattrs.
  const NamedNode& version(std::size_t number) const { return versions_[number].named; }
  std::size_t count() const { return versions_.size(); }

 private:
  static constexpr std::size_t kRemembered = 8u << 20;
  using Digest = std::array<std::uint8_t, 32>;

  struct Held {
    NamedNode named;  // without content and xattrs
    Digest facts{};   // of all that makes a version but the content
    Digest content{};
  };
  struct Version {
    NamedNode named;
    std::map<std::uint32_t, Digest> content;  // by `names`
  };

  static Held held(NamedNode named);
  // Null where the folder has nothing of that name.
  std::shared_ptr<const Held> find(const v1::Node& folder, const std::string& name,
                                   store::BlobSource& source);
  std::size_t identify(const Held& held, std::uint32_t names);

  const std::string path_;
  // By a tree's id with a name behind it.
  store::LruCache<std::string, std::shared_ptr<const Held>, std::hash<std::string>> nodes_{kRemembered};
  std::vector<Version> versions_;
  std::multimap<Digest, std::size_t> by_facts_;
};

// When versions were there. Snapshots have numbers, which grow from the oldest on.
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
