#include "folder_stream.h"

#include "call_status.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::ListFolderResponse>* FolderStream::start(Post post,
                                                                      std::function<FolderListing()> open) {
  auto* stream = new FolderStream(std::move(post));  // OnDone() deletes it
  stream->post_([stream, open = std::move(open)] {
    try {
      stream->listing_ = std::make_unique<FolderListing>(open());
    } catch (...) {
      stream->Finish(status_of(std::current_exception()));
      return;
    }
    stream->next();
  });
  return stream;
}

void FolderStream::next() {
  std::optional<v1::ListFolderResponse> page;
  try {
    if (!cancelled_) page = listing_->next_page();
  } catch (...) {
    Finish(status_of(std::current_exception()));
    return;
  }
  if (page.has_value()) {
    page_ = *std::move(page);
    StartWrite(&page_);
  } else {
    Finish(grpc::Status::OK);
  }
}

void FolderStream::OnWriteDone(bool ok) {
  if (ok) {
    post_([this] { next(); });
  } else {
    Finish({grpc::StatusCode::CANCELLED, "the caller went away"});
  }
}

}  // namespace garner::daemon
