#include "browse/change_search.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace garner::client::browse {

ChangeSearch::ChangeSearch(std::shared_ptr<Stub> stub, v1::DiffSnapshotsRequest request,
                           const std::string& folder)
    : stub_(std::move(stub)), descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0)
    throw Failure(kExitFailed, std::string("no event descriptor: ") + std::strerror(errno));
  found_.changes = FolderChanges(folder);
  thread_ = std::thread([this, request = std::move(request)] { read(request); });
}

ChangeSearch::~ChangeSearch() {
  context_.TryCancel();
  thread_.join();
  close(descriptor_);
}

void ChangeSearch::read(const v1::DiffSnapshotsRequest& request) {
  const auto reader = stub_->DiffSnapshots(&context_, request);
  v1::DiffSnapshotsResponse page;
  while (reader->Read(&page)) {
    const std::lock_guard lock(mutex_);
    const std::size_t before = found_.changes.count();
    for (const v1::DiffChange& change : page.changes()) found_.changes.add(change);
    if (page.errors_size() > 0) found_.trouble = page.errors(0).path() + ": " + page.errors(0).error();
    // What is found deep down mostly says what is known already.
    if (found_.changes.count() == before) continue;
    is_new_ = true;
    eventfd_write(descriptor_, 1);
  }
  const grpc::Status status = reader->Finish();
  const std::lock_guard lock(mutex_);
  if (!status.ok()) found_.trouble = status.error_message();
  found_.is_all = true;
  is_new_ = true;
  eventfd_write(descriptor_, 1);
}

std::optional<ChangeSearch::Found> ChangeSearch::take() {
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  eventfd_read(descriptor_, &count);
  if (!std::exchange(is_new_, false)) return std::nullopt;
  return found_;
}

}  // namespace garner::client::browse
