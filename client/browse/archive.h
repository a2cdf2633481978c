// What browsing asks of the daemon, in paths of the machine. Everything throws Failure. One thread.
#pragma once

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
  static constexpr std::size_t kMostEntries = 50'000;  // of a folder

  // Both outlive it.
  Archive(const Session& session, DaemonLink& link) : session_(session), link_(link) {}

  v1::ListSnapshotsResponse list(const v1::ListSnapshotsRequest& request);
  // Valid as long as this.
  const SnapshotLayout& layout(const v1::SnapshotInfo& snapshot);
  // In name order, the first kMostEntries; nothing where no such folder is in the snapshot.
  std::optional<std::vector<v1::FileNode>> folder(const v1::SnapshotInfo& snapshot, const std::string& path);
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
