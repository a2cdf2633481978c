#include "daemon_link.h"

#include <algorithm>
#include <utility>

namespace garner::client {

void DaemonLink::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const auto& [operation, end] : operations_) operation->cancel();
}

void DaemonLink::add(Operation& operation) {
  const std::lock_guard lock(mutex_);
  operations_.emplace(&operation, Time::max());
  if (stopped_) operation.cancel();
}

void DaemonLink::remove(Operation& operation) {
  const std::lock_guard lock(mutex_);
  operations_.erase(&operation);
}

void DaemonLink::interrupt(Operation& operation) {
  const std::lock_guard lock(mutex_);
  Time& end = operations_.at(&operation);
  end = std::min(end, std::chrono::steady_clock::now() + Operation::kPatience);
  if (!timer_.joinable())
    timer_ = std::jthread([this](const std::stop_token& stop) { end_interrupted(stop); });
  interrupted_.notify_one();
}

void DaemonLink::end_interrupted(const std::stop_token& stop) {
  const auto next_end = [this] {
    Time next = Time::max();
    for (const auto& [operation, end] : operations_) next = std::min(next, end);
    return next;
  };
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const Time next = next_end();
    interrupted_.wait_until(lock, stop, next, [&] { return next_end() < next; });
    const Time now = std::chrono::steady_clock::now();
    for (auto& [operation, end] : operations_) {
      if (end > now) continue;
      operation->cancel();
      end = Time::max();
    }
  }
}

std::shared_ptr<Stub> DaemonLink::stub() {
  {
    const std::lock_guard lock(mutex_);
    if (stub_) return stub_;
  }
  // Where it takes a while, nobody else waits for it. Of several that are made at once one is for all.
  std::shared_ptr<Stub> made = session_.connect();
  const std::lock_guard lock(mutex_);
  if (!stub_) stub_ = std::move(made);
  return stub_;
}

void DaemonLink::drop(const std::shared_ptr<Stub>& stub) {
  const std::lock_guard lock(mutex_);
  if (stub_ == stub) stub_.reset();
}

void Operation::cancel() {
  cancelled_.request_stop();
  const std::lock_guard lock(mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

bool Operation::begin(grpc::ClientContext& context) {
  const std::lock_guard lock(mutex_);
  if (cancelled_.stop_requested()) return false;
  context_ = &context;
  return true;
}

bool Operation::end() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
  return cancelled_.stop_requested();
}

}  // namespace garner::client
