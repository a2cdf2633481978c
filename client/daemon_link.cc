#include "daemon_link.h"

namespace garner::client {

void DaemonLink::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (Operation* operation : operations_) operation->cancel();
}

void DaemonLink::add(Operation& operation) {
  const std::lock_guard lock(mutex_);
  operations_.insert(&operation);
  if (stopped_) operation.cancel();
}

void DaemonLink::remove(Operation& operation) {
  const std::lock_guard lock(mutex_);
  operations_.erase(&operation);
}

std::shared_ptr<Stub> DaemonLink::stub() {
  const std::lock_guard lock(mutex_);
  if (!stub_) stub_ = session_.connect();
  return stub_;
}

void DaemonLink::drop(const std::shared_ptr<Stub>& stub) {
  const std::lock_guard lock(mutex_);
  if (stub_ == stub) stub_.reset();
}

void Operation::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

bool Operation::begin(grpc::ClientContext& context) {
  const std::lock_guard lock(mutex_);
  if (cancelled_) return false;
  context_ = &context;
  return true;
}

bool Operation::end() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
  return cancelled_;
}

}  // namespace garner::client
