// The names of files with several hard links: the first name of each that was restored is remembered until
// the last. Names of one inode that were not read at the same state, as when one is read once only and
// another each time, are different files; so are files of file systems that had the same number in different
// runs. Memory: some 70 bytes and the name for each file of which names are still to come. Safe from any
// thread.
#pragma once

#include <sys/stat.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "garner/v1/store.pb.h"
#include "restore/target_folder.h"

namespace garner::restore {

namespace v1 = store::v1;

struct FirstName {
  std::shared_ptr<TargetFolder> folder;
  std::string name;
  std::uint64_t device = 0;  // in the target, as is
  std::uint64_t inode = 0;
  bool failed = false;  // its content could not be restored
};

class HardLinks {
 public:
  static bool is_linked(const v1::Node& node) { return node.links() > 1; }

  // The node was restored under this name as the first of its file.
  void remember(std::uint32_t source, const v1::Node& node, const std::shared_ptr<TargetFolder>& folder,
                const struct stat& status);
  // The name that the file was first restored under, if it was. Counts down to the last name.
  std::optional<FirstName> find(std::uint32_t source, const v1::Node& node);
  // What was remembered has no content: later names must not be linked to it.
  void fail(std::uint32_t source, const v1::Node& node);

 private:
  struct Key {
    std::uint32_t source;
    std::uint32_t mount;
    std::uint64_t inode;
    std::uint64_t state;  // a hash of type, size and time
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t name = 0;  // where it begins in names_, ended by a NUL
    std::uint32_t folder = 0;
    std::uint32_t remaining = 0;
    bool failed = false;
  };
  static Key key_of(std::uint32_t source, const v1::Node& node);

  std::mutex mutex_;
  boost::unordered_flat_map<Key, Entry, KeyHash> entries_;
  std::vector<std::shared_ptr<TargetFolder>> folders_;
  std::string names_;
};

}  // namespace garner::restore
