// What every call passes: is the daemon serving, who calls, may he, has he too many others open, and where
// does the work run. Work never
// runs on gRPC's threads: short work on one small pool, work that may wait for a destination on another, so
// that a disk that hangs does not keep anybody from asking for status; what mounted snapshots ask for on a
// third, so that they keep only each other waiting.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include "authority.h"
#include "call_status.h"
#include "open_calls.h"
#include "peers.h"

namespace garner::daemon {

struct Caller {
  Peer peer;
  Authority authority = Authority::kNone;
  std::string zone = {};  // as it says: of the times that it types; empty: the system's
};

// Any thread.
class CallGate {
 public:
  CallGate(const PeerTable& peers, AuthorityRules rules, const OpenCalls& calls);
  ~CallGate();

  // A call with one answer: `work` fills it, or throws.
  grpc::ServerUnaryReactor* unary(grpc::CallbackServerContext* context, std::string_view method,
                                  std::function<void(const Caller&)> work);
  // Whether the call may be made; for streams, which then run their own work.
  grpc::Status admit(grpc::CallbackServerContext* context, std::string_view method, Caller& caller) const;
  void post(bool slow, std::function<void()> work);

  // From now on every call is refused.
  void close() { closed_ = true; }
  // Waits for work that is under way; what was not begun is dropped.
  void stop();

 private:
  static void post(boost::asio::thread_pool& pool, std::function<void()> work);

  const PeerTable& peers_;
  const AuthorityRules rules_;
  const OpenCalls& calls_;
  std::atomic<bool> closed_ = false;
  boost::asio::thread_pool quick_;
  boost::asio::thread_pool slow_;
  boost::asio::thread_pool content_;
};

}  // namespace garner::daemon
