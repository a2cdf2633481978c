// What is like that anywhere in a row of snapshots, and in which of them it is.
//
// The first snapshot is walked whole, and each other one beside the one before it (pair_walk.h): what has one
// id in both is passed over unread. So matches are kept by path, with whether they are there now: a walk
// tells what came, went and changed, and what it is silent about is still there. How long something was there
// is added up when it goes, so that what stays costs nothing.
//
// A snapshot of which something cannot be read says nothing of what is below, and neither would the next one
// beside it: whatever walk beside another meets such a place is made again, of the newer one alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "garner/v1/store.pb.h"
#include "snapshot/pair_walk.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Something at a path with one content: the bytes of a file, where a symbolic link leads, which device it is;
// a folder there is the same whatever is in it. It may have been away between its first and its last
// snapshot. Snapshots are numbered from 0.
struct Match {
  std::string path;  // absolute
  v1::NodeType type = v1::NODE_TYPE_UNSPECIFIED;
  std::uint64_t size = 0;  // of a file; of a folder, the bytes of all files below it; both here and of the
  TimePoint mtime;         // time: as in the last snapshot
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t snapshots = 0;  // that have it
};

struct FindVisitor {
  // Whether it is what is looked for; asked of one node any number of times.
  std::function<bool(const std::string& path, const v1::Node& node)> is_wanted;
  // The folder at that path in that snapshot cannot be read, from some name on: what is there is not found.
  std::function<void(std::size_t snapshot, const std::string& path, const Error& error)> unreadable;
};

struct FindBounds {
  std::size_t matches = 10'000;
  std::size_t path_bytes = 32u << 20;
};

// Memory: the matches, as bounded, and that of a PairWalk. One thread at a time.
class Find {
 public:
  // Both outlive the Find.
  struct Where {
    const v1::Snapshot* snapshot;
    store::BlobSource* source;
  };

  // Of one set, from the oldest to the newest, all with one keyring and cut alike, so that content has the
  // same ids in all of them. `below`: absolute and normal, only this and what is below it; empty: everything.
  Find(std::vector<Where> snapshots, std::string below, FindVisitor visitor, FindBounds bounds = {});
  Find(const Find&) = delete;
  Find& operator=(const Find&) = delete;

  // Goes on by a little; false when all have been walked. Errors: Error(kDestinationAway),
  // Error(kCancelled).
  bool step();
  // More would match than the bounds let through: those are kept that were found first.
  bool is_bounded() const { return is_bounded_; }
  // In path order, bytewise, and the versions of a path from the oldest on. Once step() has returned false;
  // the Find keeps none.
  std::vector<Match> take_matches();

 private:
  using Digest = std::array<std::uint8_t, 32>;
  struct Version {
    Digest content{};
    Match match;             // without its path
    std::size_t opened = 0;  // while it is there: since which snapshot
  };
  struct Path {
    std::vector<Version> versions;
    std::optional<std::size_t> here;  // which of them is there now
  };

  void begin(bool alone);
  std::vector<PlacedNode> places_in(const Where& where);
  std::optional<v1::Node> descend(const v1::Source& source, const Where& where);
  void take(const NodePair& pair);
  void enter(const std::string& path, const v1::Node& node);
  void leave(Path& path) const;
  void leave_all();
  bool has_room(std::size_t path_bytes);

  static Digest content_of(const v1::Node& node);

  const std::vector<Where> snapshots_;
  const std::string below_;
  const FindVisitor visitor_;
  const FindBounds bounds_;
  std::size_t now_ = 0;             // the snapshot that is walked
  std::vector<PlacedNode> before_;  // where the walk of the one before began
  std::vector<PlacedNode> after_;
  std::vector<PlacePair> places_;  // what the walk is of
  std::optional<PairWalk> walk_;
  bool is_alone_ = false;        // it is not beside another one
  bool is_interrupted_ = false;  // by something that cannot be read
  std::map<std::string, Path> paths_;
  std::size_t matches_ = 0;
  std::size_t path_bytes_ = 0;
  bool is_bounded_ = false;
};

}  // namespace garner::snapshot
