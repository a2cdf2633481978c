// What browsing asks of the daemon, in paths of the machine. Everything throws Failure. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "browse/snapshot_layout.h"
#include "daemon_link.h"
#include "session.h"

namespace garner::client::browse {

class Archive {
 public:
  // Of a folder. Each takes some 300 bytes of memory, and more only where names, or where links lead, are
  // long: of these there are fewer.
  static constexpr std::size_t kMostEntries = 1'000'000;
  static constexpr std::size_t kMostBytes = 128u << 20;  // as they are sent

  // Both outlive it.
  Archive(const Session& session, DaemonLink& link) : session_(session), link_(link) {}

  v1::ListSnapshotsResponse list(const v1::ListSnapshotsRequest& request);
  // Valid as long as this.
  const SnapshotLayout& layout(const v1::SnapshotInfo& snapshot);
  struct FolderContent {
    std::vector<v1::FileNode> nodes;  // in name order
    bool is_cut = false;              // there are more: these are the first
  };
  // Nothing where no such folder is in the snapshot. `told`: of how many there are so far, every kTellEvery.
  static constexpr std::size_t kTellEvery = 20'000;
  std::optional<FolderContent> folder(const v1::SnapshotInfo& snapshot, const std::string& path,
                                      const std::function<void(std::size_t)>& told);
  bool has_folder(const v1::SnapshotInfo& snapshot, const std::string& path);
  // The first bytes of a file.
  std::string content(const v1::SnapshotInfo& snapshot, const std::string& path, std::size_t most);
  v1::Run start_restore(const v1::StartRestoreRequest& request);
  // For streams.
  std::shared_ptr<Stub> stub() { return link_.stub(); }

 private:
  template <typename Request, typename Response>
  Response ask(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
               const Request& request);
  void check(const grpc::Status& status) const;
  std::optional<v1::FileNode> look_up(const std::string& snapshot, const std::string& laid_out);

  const Session& session_;
  DaemonLink& link_;
  std::map<std::string, SnapshotLayout> layouts_;  // by snapshot
};

}  // namespace garner::client::browse
