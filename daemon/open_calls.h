// How many calls each user has open. A call takes memory for as long as it is open, whether it has been
// answered or not: what a caller does not read waits here.
//
// gRPC's quota of memory counts messages that come in and little else. So calls are counted from when their
// message has come until gRPC is done with them, by an interceptor, which also sees those that are refused.
// Whoever has as many as he may is refused the next ones (CallGate); whoever goes on all the same loses the
// connection. What comes before that is the stream guard's.
#pragma once

#include <grpcpp/support/server_interceptor.h>
#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "authority.h"
#include "peers.h"

namespace garner::daemon {

// At the same time. Clients keep to the first by themselves: further calls wait there.
inline constexpr int kMostCallsOfConnection = 100;
inline constexpr std::size_t kMostCallsOfMember = 64;
inline constexpr std::size_t kMostCallsOfOwner = 1024;  // who may do everything
// Calls that are being refused, of any user: he who has so many more does not listen.
inline constexpr std::size_t kMostRefusedCalls = 100;

// Any thread.
class OpenCalls {
 public:
  // One more of the user's; how many he has with it.
  std::size_t begin(uid_t user);
  void end(uid_t user);
  std::size_t of(uid_t user) const;
  // Whether the user has more than who has this authority may have: the call that asks counts, too.
  bool has_too_many(uid_t user, Authority authority) const;

 private:
  mutable std::mutex mutex_;
  std::map<uid_t, std::size_t> calls_;
};

// Makes what counts each call of a server. Both outlive the server's calls.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> make_call_counter(
    OpenCalls& calls, const PeerTable& peers);

}  // namespace garner::daemon
