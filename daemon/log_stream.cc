#include "log_stream.h"

#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kMostWaiting = 2000;

v1::LogLine to_log_line(const LoggedLine& line) {
  v1::LogLine message;
  *message.mutable_time() = to_timestamp(line.time);
  message.set_level(line.level);
  message.set_text(line.text);
  if (line.run != 0) message.set_run_id(std::to_string(line.run));
  message.set_set(line.set);
  return message;
}

}  // namespace

grpc::ServerWriteReactor<v1::LogLine>* LogStream::start(Post post, std::shared_ptr<LogRing> ring,
                                                        std::size_t lines, std::int64_t run, bool follow) {
  const std::shared_ptr<LogStream> stream(new LogStream(std::move(post), std::move(ring), run));
  stream->self_ = stream;
  std::vector<LoggedLine> first;
  LogRing::Subscriber subscriber;
  if (follow) {
    subscriber = [weak = std::weak_ptr(stream)](const LoggedLine& line) {
      if (const auto there = weak.lock()) there->add(line);
    };
  }
  {
    // New lines wait until the first ones are in front of them.
    const std::lock_guard lock(stream->mutex_);
    stream->busy_ = true;
  }
  stream->subscription_ = stream->ring_->read(lines, run, first, std::move(subscriber));
  {
    const std::lock_guard lock(stream->mutex_);
    stream->waiting_.insert(stream->waiting_.begin(), first.begin(), first.end());
    stream->busy_ = false;
    if (!follow) stream->ending_ = true;
  }
  stream->go_on();
  return stream.get();
}

void LogStream::add(const LoggedLine& line) {
  if (run_ != 0 && line.run != run_) return;
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    if (waiting_.size() >= kMostWaiting) {
      waiting_.pop_front();
      ++dropped_;
    }
    waiting_.push_back(line);
    if (busy_) return;
  }
  // Whoever logs does not do gRPC's work, and the ring is locked meanwhile.
  post_([self = self_] { self->go_on(); });
}

void LogStream::go_on() {
  bool finish = false;
  {
    const std::lock_guard lock(mutex_);
    if (busy_) return;
    if (!waiting_.empty()) {
      current_ = to_log_line(waiting_.front());
      if (dropped_ > 0) {
        current_.set_text("(" + std::to_string(dropped_) + " lines left out) " + current_.text());
        dropped_ = 0;
      }
      waiting_.pop_front();
    } else if (ending_) {
      finish = true;
    } else {
      return;
    }
    busy_ = true;  // for good, when finishing
  }
  if (finish) {
    Finish(grpc::Status::OK);
  } else {
    StartWrite(&current_);
  }
}

void LogStream::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    if (!ok) {
      waiting_.clear();
      ending_ = true;
    }
  }
  go_on();
}

void LogStream::OnCancel() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    ending_ = true;
  }
  go_on();
}

void LogStream::OnDone() {
  // After this nobody adds lines any more.
  ring_->unsubscribe(subscription_);
  self_.reset();
}

}  // namespace garner::daemon
