// What file systems ask of snapshots, over and over: nodes by their paths, what is in folders, pieces of
// files. Whatever is asked is found from the roots of a snapshot that a configured destination lists, so
// nothing else can be read; and as a snapshot never changes, what was found on the way is remembered.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "destinations.h"
#include "garner/v1/service.pb.h"
#include "snapshot/layout.h"
#include "store/lru_cache.h"

namespace garner::daemon {

// Any thread. Memory: kRemembered of nodes, and a chunk and a folder's page for each thread that asks.
class SnapshotFiles {
 public:
  static constexpr std::size_t kMostContent = 1u << 20;  // bytes of a ReadContentResponse

  explicit SnapshotFiles(Destinations& destinations) : destinations_(destinations) {}

  // Error(kNotFound) for a snapshot that is listed nowhere, of look_up() as choose_snapshot();
  // Error(kDestinationAway) where one that may list it could not be asked; Error(kInvalidInput) for a path
  // that is too long or names no folder or no file; Error(kNotFound) of the others for a path that is not
  // there; Error(kDamaged).
  v1::LookUpNodeResponse look_up(const v1::LookUpNodeRequest& request, const std::string& zone);
  v1::ReadFolderResponse read_folder(const v1::ReadFolderRequest& request);
  v1::ReadContentResponse read_content(const v1::ReadContentRequest& request);

 private:
  static constexpr std::size_t kRemembered = 8u << 20;

  // A snapshot in use.
  struct Opened {
    std::string id;
    std::shared_ptr<const snapshot::Layout> layout;
    std::shared_ptr<store::Repository> repository;
    std::string destination;  // whose that is
  };
  // One that was used not long ago: its repository may be closed meanwhile.
  struct Known {
    std::string id;
    std::shared_ptr<const snapshot::Layout> layout;
    std::weak_ptr<store::Repository> repository;
    std::string destination;
    std::chrono::steady_clock::time_point looked;
  };
  using Nodes = store::LruCache<std::string, snapshot::Place, std::hash<std::string>>;

  Opened open(const std::string& id);
  // Called with the mutex.
  void forget(const std::string& id);
  // What `use` makes of the snapshot. After an error it is looked for anew.
  template <typename Use>
  auto with(const std::string& id, const Use& use);
  std::shared_ptr<const snapshot::Place> find(const Opened& opened, const std::string& path);
  std::shared_ptr<const snapshot::Place> get(const Opened& opened, const std::string& path);

  Destinations& destinations_;
  Nodes nodes_{kRemembered};
  std::mutex mutex_;        // of what follows
  std::list<Known> known_;  // the last used first
};

}  // namespace garner::daemon
