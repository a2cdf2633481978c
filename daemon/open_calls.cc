#include "open_calls.h"

#include <spdlog/spdlog.h>

#include <string>

namespace garner::daemon {

namespace {

// Lives as long as the call.
class CountedCall final : public grpc::experimental::Interceptor {
 public:
  CountedCall(OpenCalls& calls, uid_t user) : calls_(calls), user_(user) {}
  ~CountedCall() override { calls_.end(user_); }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override { methods->Proceed(); }

 private:
  OpenCalls& calls_;
  const uid_t user_;
};

class CallCounter final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallCounter(OpenCalls& calls, const PeerTable& peers) : calls_(calls), peers_(peers) {}

  // Nothing for a call of which nobody knows whose it is: it gets no further than that.
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    const std::string connection = info->server_context()->peer();
    const std::optional<Peer> peer = peers_.find(connection);
    if (!peer.has_value()) return nullptr;
    if (calls_.begin(peer->uid) > kMostCallsOfOwner + kMostRefusedCalls && peers_.hang_up(connection)) {
      spdlog::warn("user {} (process {}) goes on calling beyond what he may have open: hung up", peer->uid,
                   peer->pid);
    }
    return new CountedCall(calls_, peer->uid);  // gRPC's, which deletes it
  }

 private:
  OpenCalls& calls_;
  const PeerTable& peers_;
};

}  // namespace

std::size_t OpenCalls::begin(uid_t user) {
  const std::lock_guard lock(mutex_);
  return ++calls_[user];
}

void OpenCalls::end(uid_t user) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(user);
  if (--found->second == 0) calls_.erase(found);
}

std::size_t OpenCalls::of(uid_t user) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(user);
  return found == calls_.end() ? 0 : found->second;
}

bool OpenCalls::has_too_many(uid_t user, Authority authority) const {
  return of(user) > (authority == Authority::kFull ? kMostCallsOfOwner : kMostCallsOfMember);
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> make_call_counter(
    OpenCalls& calls, const PeerTable& peers) {
  return std::make_unique<CallCounter>(calls, peers);
}

}  // namespace garner::daemon
