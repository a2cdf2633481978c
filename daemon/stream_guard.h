// Stands between gRPC and the callers whose daemon it is not: members of the group, and whoever else gets to
// the socket.
//
// gRPC keeps a call from its first bytes on, and knows no bound of them for a connection whose client has not
// confirmed the one that it was told. Nor does it show them before their message has come (open_calls.h). So
// what goes over such a connection is passed on by this, which counts the streams that are open in it by the
// heads of frames: of one that has too many, or whose user has, it hangs up before gRPC has heard of more.
// What a caller does not read waits in the sockets, and keeps the streams that it belongs to open.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "open_calls.h"
#include "peers.h"

namespace garner::daemon {

// Of one user, at the same time: descriptors are for runs, too.
inline constexpr std::size_t kMostConnectionsOfUser = 256;

// Any thread. What is passed on is so by a thread of its own.
class StreamGuard {
 public:
  StreamGuard();
  // Ends all connections.
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

  // Takes the caller's connection, and returns what gRPC is to be given in its place; nothing, and the
  // connection is closed, where the user has too many, or no descriptors are left.
  Fd stand_before(Fd connection, const Peer& peer);

 private:
  class Connection;
  bool take_place(uid_t user);
  void leave_place(uid_t user);

  OpenCalls streams_;
  std::mutex mutex_;
  std::map<uid_t, std::size_t> connections_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_;
  std::thread thread_;
};

}  // namespace garner::daemon
