#include "diff_stream.h"

#include <optional>

#include "call_status.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::DiffSnapshotsResponse>* DiffStream::start(Post post, Open open) {
  auto* stream = new DiffStream(std::move(post));  // OnDone() deletes it
  stream->post_([stream, open = std::move(open)] {
    try {
      stream->listing_ = open();
    } catch (...) {
      stream->Finish(status_of(std::current_exception()));
      return;
    }
    stream->next();
  });
  return stream;
}

void DiffStream::next() {
  std::optional<v1::DiffSnapshotsResponse> page;
  try {
    page = listing_->next_page(cancelled_);
  } catch (...) {
    Finish(status_of(std::current_exception()));
    return;
  }
  if (!page.has_value()) {
    Finish(grpc::Status::OK);
  } else if (page->changes().empty() && page->errors().empty() && !page->has_summary()) {
    post_([this] { next(); });
  } else {
    page_ = *std::move(page);
    StartWrite(&page_);
  }
}

void DiffStream::OnWriteDone(bool ok) {
  if (ok) {
    post_([this] { next(); });
  } else {
    Finish({grpc::StatusCode::CANCELLED, "the caller went away"});
  }
}

}  // namespace garner::daemon
