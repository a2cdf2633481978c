// What changed in a folder since another snapshot, as the daemon finds it: read by a thread of its own, so
// that the folder is seen at once and can be left before all is known. Used by one thread.
#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "browse/folder_changes.h"
#include "session.h"

namespace garner::client::browse {

class ChangeSearch {
 public:
  ChangeSearch(std::shared_ptr<Stub> stub, v1::DiffSnapshotsRequest request, const std::string& folder);
  // Ends the search.
  ~ChangeSearch();
  ChangeSearch(const ChangeSearch&) = delete;
  ChangeSearch& operator=(const ChangeSearch&) = delete;

  // Readable when there is something new.
  int descriptor() const { return descriptor_; }
  struct Found {
    FolderChanges changes;
    bool is_all = false;
    std::string trouble;  // why it is not all; empty: nothing
  };
  // So far; nothing when that has been taken. Clears the descriptor.
  std::optional<Found> take();

 private:
  void read(const v1::DiffSnapshotsRequest& request);

  std::shared_ptr<Stub> stub_;
  int descriptor_;
  grpc::ClientContext context_;
  std::mutex mutex_;  // of what follows
  Found found_;
  bool is_new_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace garner::client::browse
