// ListFolder's answer: a page is read when the one before is on its way, on a pool's thread, so that a slow
// reader holds no thread and at most one page.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>

#include "snapshots.h"

namespace garner::daemon {

class FolderStream final : public grpc::ServerWriteReactor<v1::ListFolderResponse> {
 public:
  using Post = std::function<void(std::function<void()>)>;
  // `open` finds the folder; it runs through `post` as all else.
  static grpc::ServerWriteReactor<v1::ListFolderResponse>* start(Post post,
                                                                 std::function<FolderListing()> open);

 private:
  explicit FolderStream(Post post) : post_(std::move(post)) {}
  void next();
  void OnWriteDone(bool ok) override;
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

  const Post post_;
  std::unique_ptr<FolderListing> listing_;
  v1::ListFolderResponse page_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace garner::daemon
