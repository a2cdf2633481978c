// Packs of metadata of a repository on a server, kept on this machine whole, so that trees and lists are read
// without asking: a file a pack, by its name.
//
// It is a cache and may be removed at any time; nothing in it is fsynced. What is read from it is opened as
// if it had come from the server: each frame verifies by its seal, each blob by its id. So a file that is
// torn or was changed is found, dropped, and the pack is read from the server again; a file can be lost and
// never be wrong. It says nothing of what the server has: whoever asks that (check, repair) does not read
// here.
//
// What was not opened for longest goes when more is kept than may be. Thread-safe. One object at a time uses
// a folder.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/file.h"
#include "destination/destination.h"
#include "store/object_name.h"

namespace garner::store {

// The file may be removed while it is open.
struct KeptPack {
  Fd file;
  std::uint64_t size = 0;  // bytes
};

class MetadataCache {
 public:
  // `folder` is made when something is kept. `limit`: bytes.
  MetadataCache(std::string folder, std::uint64_t limit);

  // Null where it is not kept.
  std::shared_ptr<const KeptPack> open(const ObjectName& name);
  // The same, after reading it from the server where it is not kept: a large one in pieces, once for all who
  // ask, and beside a few others. Null where it cannot be kept: the disk is full, it is not `size` bytes or
  // not there at all, or is longer than the limit. Errors of the server.
  std::shared_ptr<const KeptPack> fetch(destination::Destination& place, const ObjectName& name,
                                        std::uint64_t size);
  // Keeps a finished pack of this machine that is about to be published: a second name of the file `path`, so
  // that it costs nothing. False where that cannot be.
  bool keep(const ObjectName& name, const std::string& path);
  void drop(const ObjectName& name);
  // Drops what is of no use any more. Not what keep() took in this process: nobody lists that yet.
  void drop_unless(const std::function<bool(const ObjectName&)>& is_wanted);

 private:
  struct Entry {
    std::uint64_t size = 0;
    std::uint64_t used = 0;  // when it was opened last, in turns
    bool is_new = false;     // by keep(), and not wanted by anybody yet
  };

  std::string path_of(const ObjectName& name) const { return folder_ + "/" + name.hex(); }
  bool read_from(destination::Destination& place, const ObjectName& name, std::uint64_t size,
                 const std::string& path);
  void add(const ObjectName& name, std::uint64_t size, bool is_new);
  void drop_locked(const ObjectName& name);

  const std::string folder_;
  const std::uint64_t limit_;
  std::mutex mutex_;  // of what follows
  std::condition_variable fetched_;
  std::set<ObjectName> fetching_;  // a few at a time, so that memory is bounded
  std::map<ObjectName, Entry> entries_;
  std::uint64_t sum_ = 0;
  std::uint64_t turn_ = 0;
};

}  // namespace garner::store
