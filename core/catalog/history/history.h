// What stood where in the snapshots of one set, and what points at a blob: of each file and folder, which
// facts it had from which snapshot to which. So a file that stays as it is costs one row for all its
// snapshots, a new snapshot costs in proportion to what changed in it, and questions about any number of
// snapshots are answered without reading one.
//
// One file of SQLite for the snapshots of a set whose content has the same names (keyring and sizes of
// chunks). It is a cache: it may be removed at any time, and is made again from the repositories. It is not
// fsynced with each change, and one that is torn is removed and begun anew.
//
// Numbers. Snapshots are numbered from 1 in the order in which they were read in, which need not be that of
// their time. A number is never used again; one whose snapshot is not listed any more is forgotten, and with
// it what only such snapshots had. A span of numbers holds for all snapshots in it that are there.
//
// Blobs are known by the first 8 bytes of their ids, as a little-endian number: one in 2^64 is taken for
// another. Whoever needs to be sure looks into the snapshot.
//
// Schema (core/catalog/history/schema.cc), and what a row costs: docs/research/reverse-references.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalog/database.h"
#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "store/blob_source.h"

namespace garner::catalog {

using BlobPrefix = std::int64_t;
BlobPrefix prefix_of(ByteView id);

// Numbers of snapshots, both ends in.
struct Span {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

// What is kept of a node. Whoever needs more (where a link leads, xattrs) looks into a snapshot.
struct NodeFacts {
  store::v1::NodeType type = store::v1::NODE_TYPE_UNSPECIFIED;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;  // empty where there is no name
  std::string group;
  bool stale = false;
  bool inconsistent = false;
  std::uint64_t size = 0;   // of a file; of a folder, the bytes of all files below it
  std::uint64_t files = 0;  // of a folder: below it
  TimePoint mtime;
  // Equal where the content of files, what is recorded of all that is in folders, the target of links, the
  // numbers of devices are equal. Nothing for a folder of which not all could be read.
  std::optional<BlobPrefix> content;

  bool operator==(const NodeFacts&) const = default;
};

// What stood in one place without a change.
struct ItemVersion {
  Span span;
  NodeFacts facts;
};

// Something that has, or once had, a place in a folder. 0 is the folder of all sources.
using ItemNumber = std::int64_t;

struct Item {
  ItemNumber number = 0;
  std::string name;        // of a source: its path
  bool is_folder = false;  // in some snapshot
};

// That a file's content, or a folder's tree, has a blob as a part, or is that blob.
struct Reference {
  std::size_t wanted = 0;  // which of the blobs that were asked for
  ItemNumber item = 0;
  Span span;
};

// A blob of file content in some snapshots.
struct Holding {
  BlobPrefix blob = 0;
  std::uint64_t bytes = 0;  // raw
  Span span;
};

// A folder, or a file of which a list of content, that could not be read when it was read in.
struct Unreadable {
  std::string path;
  std::string message;
};
// The same, later: in which snapshots.
struct Gap {
  std::string path;
  Span span;
  bool is_folder = false;
};

class Kinds;
struct Held;

// Any thread; updates and keep() one after the other. What is told while an update goes on is of the
// snapshots that were read in whole before. Errors, of all functions: those of the file (catalog/database.h);
// Error(kDamaged) for one that has been torn while it was in use, and is made anew when it is opened again.
class History {
 public:
  // Opens the file, or makes it. One that cannot be used is removed first. Errors of the file system.
  explicit History(const std::string& path);
  History(const History&) = delete;
  History& operator=(const History&) = delete;
  ~History();

  // A snapshot that is read in whole.
  struct Known {
    std::int64_t number = 0;
    crypto::BlobId id;
  };
  std::vector<Known> snapshots();  // by number

  // Reads a snapshot in: compares it with what the last one had, folder by folder, and reads only trees and
  // lists that are new. A folder that cannot be read, from some name on, is kept without what is there, told
  // of, and looked at again with the next snapshot; a list of a file's content likewise. What was done is
  // kept when it ends early, or the process does; the next update goes on there, also with another snapshot.
  // One that is there already is not read again. `length_of` gives the raw bytes of a data blob, 0 where it
  // is not known; it is called without the lock. Errors: Error(kCancelled) when `stop` was requested;
  // Error(kDestinationAway).
  using LengthOf = std::function<std::uint64_t(const crypto::BlobId& data)>;
  std::vector<Unreadable> add(const crypto::BlobId& id, const store::v1::Snapshot& snapshot,
                              store::BlobSource& source, const LengthOf& length_of, std::stop_token stop);
  // Forgets the snapshots that are not among these, and what only they had. Error(kCancelled) when `stop` was
  // requested: they are forgotten, and what they had goes with the next call.
  void keep(const std::vector<crypto::BlobId>& listed, std::stop_token stop);

  // What is in a folder, by name bytewise, names behind `after`; at most `most`.
  std::vector<Item> items(ItemNumber folder, std::string_view after, std::size_t most);
  std::optional<Item> item(ItemNumber folder, std::string_view name);
  // Absolute. Error(kNotFound) for one that is gone.
  std::string path_of(ItemNumber item);
  // From the first on; spans do not overlap, and none is empty of snapshots that are read in whole.
  std::vector<ItemVersion> versions(ItemNumber item);
  // The same of what has that name in the folder, and quicker; none where nothing ever had.
  std::vector<ItemVersion> versions(ItemNumber folder, std::string_view name);

  // Everything that refers to any of these blobs or contents, in no order; one thing may be told as several
  // spans. Memory: in proportion to what is wanted. Here and below `visit` must not call the History.
  void references(const std::vector<BlobPrefix>& wanted, const std::function<void(const Reference&)>& visit);
  // Every blob of file content, for each place where it is; in no order.
  void holdings(const std::function<void(const Holding&)>& visit);

  // What could not be read of the snapshots, in no order.
  std::vector<Gap> gaps();

  // For documentation and tests.
  struct Size {
    std::uint64_t bytes = 0;  // of the file
    std::uint64_t items = 0;
    std::uint64_t versions = 0;
    std::uint64_t parts = 0;
  };
  Size size();

 private:
  // Without what is before the first and behind the last snapshot in it; nothing where there is none.
  std::optional<Span> clipped(std::int64_t first, std::optional<std::int64_t> last) const;
  void remove_forgotten(std::stop_token stop);
  // `now`: the item in the last number.
  std::vector<ItemVersion> versions_with(ItemNumber item, const std::optional<Held>& now);

  std::mutex changing_;  // is taken first
  const std::unique_ptr<Database> database_;
  // Under its lock.
  const std::unique_ptr<Kinds> kinds_;
  std::vector<Known> known_;  // by number
};

// What NodeFacts has as the content of a node. Of one blob or list, that blob's; where a difference is
// stored, that of the bytes that come out of it. Pure functions.
BlobPrefix content_of(const store::v1::Node& node);
NodeFacts facts_of(const store::v1::Node& node, const std::string& user, const std::string& group);

}  // namespace garner::catalog
