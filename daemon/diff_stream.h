// DiffSnapshots' answer: as FolderStream, a page is looked for when the one before is on its way. A long
// search without a find is many jobs, so that it holds no thread of the pool for itself, and ends soon when
// the caller has gone.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>

#include "snapshot_diff.h"

namespace garner::daemon {

class DiffStream final : public grpc::ServerWriteReactor<v1::DiffSnapshotsResponse> {
 public:
  using Post = std::function<void(std::function<void()>)>;
  using Open = std::function<std::unique_ptr<DiffListing>()>;
  // `open` finds the snapshots; it runs through `post` as all else.
  static grpc::ServerWriteReactor<v1::DiffSnapshotsResponse>* start(Post post, Open open);

 private:
  explicit DiffStream(Post post) : post_(std::move(post)) {}
  void next();
  void OnWriteDone(bool ok) override;
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

  const Post post_;
  std::unique_ptr<DiffListing> listing_;
  v1::DiffSnapshotsResponse page_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace garner::daemon
