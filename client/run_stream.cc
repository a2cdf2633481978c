#include "run_stream.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace garner::client {

RunStream::RunStream(Stub& stub, const std::string& run_id)
    : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0)
    throw Failure(kExitFailed, std::string("no event descriptor: ") + std::strerror(errno));
  thread_ = std::thread([this, &stub, run_id] { read(stub, run_id); });
}

RunStream::~RunStream() {
  context_.TryCancel();
  thread_.join();
  close(descriptor_);
}

void RunStream::read(Stub& stub, const std::string& run_id) {
  v1::GetRunRequest request;
  request.set_run_id(run_id);
  const auto reader = stub.WatchRun(&context_, request);
  v1::Run run;
  while (reader->Read(&run)) {
    const std::lock_guard lock(mutex_);
    latest_ = run;
    eventfd_write(descriptor_, 1);
  }
  const grpc::Status status = reader->Finish();
  const std::lock_guard lock(mutex_);
  status_ = status;
  eventfd_write(descriptor_, 1);
}

std::optional<v1::Run> RunStream::take() {
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  eventfd_read(descriptor_, &count);
  return std::exchange(latest_, std::nullopt);
}

std::optional<grpc::Status> RunStream::ended() {
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace garner::client
