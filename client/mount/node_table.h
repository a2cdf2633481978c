// What the kernel knows of a mount: a node for each name that it has looked up, until it forgets it. So there
// are never more than inodes that the kernel keeps. Nodes are values that never change; a name that has come
// to stand for something else gets another node. Any thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace garner::client::mount {

enum class Role {
  kTop,
  kSnapshots,  // snapshots/
  kSets,       // sets/
  kSet,        // sets/NAME/
  kLink,       // in it
  kSnapshot,   // the root of one
  kInside,     // of a snapshot
  kVersions,   // versions/
  kPath,       // of the source, in it
  kVersion,    // of what stood at such a path, in that one's folder
};

// What a snapshot has something as.
struct Location {
  std::string snapshot;    // its whole id
  std::string path;        // in its layout, without '/' at either end
  std::uint64_t root = 0;  // the inode number of its root; of a version, which is seen alone, 0
};

// What a name stands for.
struct Entry {
  Role role = Role::kInside;
  struct stat status {};
  std::string reference;  // of a link, what it points to; of kSnapshot, the snapshot's whole id
  bool has_xattrs = false;
  std::shared_ptr<const Location> location;  // of kVersion
};

struct Node {
  std::uint64_t id = 0;
  std::shared_ptr<const Node> folder;  // null for the top
  std::string name;
  Entry entry;
};

// Of a kSnapshot, kInside or kVersion.
Location locate(std::shared_ptr<const Node> node);
std::string path_in(const Location& folder, std::string_view name);
// Of kVersions or kPath: the path of the source that it stands for.
std::string source_path(const Node& node);
// Whether what is in the folder stays as it is.
inline bool is_lasting(const Node& folder) {
  return folder.entry.role == Role::kSnapshot || folder.entry.role == Role::kInside;
}

class NodeTable {
 public:
  static constexpr std::uint64_t kTopId = 1;  // what the kernel calls it

  explicit NodeTable(Entry top);

  // Null for an id that is not known.
  std::shared_ptr<const Node> find(std::uint64_t id) const;
  // The name's node, which the kernel has looked up once more.
  std::shared_ptr<const Node> look_up(const std::shared_ptr<const Node>& folder, const std::string& name,
                                      Entry entry);
  // The kernel forgets so many of its look-ups.
  void forget(std::uint64_t id, std::uint64_t count);
  std::size_t size() const;

 private:
  struct Known {
    std::shared_ptr<const Node> node;
    std::uint64_t look_ups = 0;
  };
  using Name = std::pair<std::uint64_t, std::string_view>;  // in the folder of that id; the node has the text

  mutable std::mutex mutex_;  // of what follows
  std::unordered_map<std::uint64_t, Known> nodes_;
  std::map<Name, std::uint64_t>
      names_;  // ordered: names are somebody else's choice, and could all hash alike
  std::uint64_t next_id_ = kTopId;
};

}  // namespace garner::client::mount
