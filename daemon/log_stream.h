// ReadLog's answer. Lines that a slow reader does not take are dropped, and he is told how many.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "garner/v1/service.pb.h"
#include "log_ring.h"

namespace garner::daemon {

class LogStream final : public grpc::ServerWriteReactor<v1::LogLine> {
 public:
  using Post = std::function<void(std::function<void()>)>;
  static grpc::ServerWriteReactor<v1::LogLine>* start(Post post, std::shared_ptr<LogRing> ring,
                                                      std::size_t lines, std::int64_t run, bool follow);

 private:
  LogStream(Post post, std::shared_ptr<LogRing> ring, std::int64_t run)
      : post_(std::move(post)), ring_(std::move(ring)), run_(run) {}
  void add(const LoggedLine& line);
  void go_on();
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  const Post post_;
  const std::shared_ptr<LogRing> ring_;
  const std::int64_t run_;           // only its lines; 0: all
  std::shared_ptr<LogStream> self_;  // until gRPC is done with it
  std::uint64_t subscription_ = 0;
  std::mutex mutex_;
  std::deque<LoggedLine> waiting_;
  std::uint64_t dropped_ = 0;
  v1::LogLine current_;
  bool busy_ = false;
  bool ending_ = false;
};

}  // namespace garner::daemon
