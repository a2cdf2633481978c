// A stream of states of which only the newest counts: while a slow reader is busy, states replace each other,
// and nobody ever waits for him.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace garner::daemon {

// Keeps itself alive until gRPC is done with it. offer() and end() may be called from any thread, also
// afterwards.
template <typename Message>
class LatestStream final : public grpc::ServerWriteReactor<Message> {
 public:
  // `cancelled` is called when nobody listens any more; it must not wait.
  static std::shared_ptr<LatestStream> start(std::function<void()> cancelled = {}) {
    std::shared_ptr<LatestStream> stream(new LatestStream);
    stream->cancelled_ = std::move(cancelled);
    stream->self_ = stream;
    return stream;
  }

  void offer(Message message) {
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      next_ = std::move(message);
    }
    go_on();
  }

  // After the message that was offered last.
  void end(grpc::Status status = grpc::Status::OK) {
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      ending_ = true;
      status_ = std::move(status);
    }
    go_on();
  }

  bool has_ended() const {
    const std::lock_guard lock(mutex_);
    return ending_;
  }

 private:
  LatestStream() = default;

  // gRPC may call back from within StartWrite and Finish: never under the lock.
  void go_on() {
    bool finish = false;
    {
      const std::lock_guard lock(mutex_);
      if (busy_) return;
      if (next_.has_value()) {
        current_ = std::move(*next_);
        next_.reset();
      } else if (ending_) {
        finish = true;
      } else {
        return;
      }
      busy_ = true;  // for good, when finishing
    }
    if (finish) {
      this->Finish(status_);
    } else {
      this->StartWrite(&current_);
    }
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      busy_ = false;
      if (!ok) {
        next_.reset();
        ending_ = true;
      }
    }
    go_on();
  }

  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      next_.reset();
      ending_ = true;
    }
    if (cancelled_) cancelled_();
    go_on();
  }

  void OnDone() override { self_.reset(); }

  mutable std::mutex mutex_;
  std::optional<Message> next_;
  Message current_;
  bool busy_ = false;
  bool ending_ = false;
  grpc::Status status_;
  std::function<void()> cancelled_;
  std::shared_ptr<LatestStream> self_;
};

}  // namespace garner::daemon
