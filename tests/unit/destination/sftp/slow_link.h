// A link to a server that delays what it answers and can be cut, for answers that are lost: a port of this
// machine in front of another one.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"

namespace garner::destination::testing {

class SlowLink {
 public:
  SlowLink(std::uint16_t to, std::chrono::milliseconds delay);
  SlowLink(const SlowLink&) = delete;
  ~SlowLink();

  std::uint16_t port() const { return port_; }
  // Ends the connections, with all answers that are on their way. Later ones are not delayed.
  void cut();
  // Ends the connection on which the server's `answers`th piece of answers from now on comes, without it.
  void cut_at(int answers) { cut_at_ = answers; }

 private:
  // Bytes from the server, and when the client gets them.
  struct Delayed {
    std::chrono::steady_clock::time_point when;
    Bytes data;
  };
  struct Connection {
    Fd client;
    Fd server;
    std::deque<Delayed> answers;
  };

  void work();
  void accept_one();
  // False: it has ended.
  bool forward(Connection& connection, bool from_client, bool from_server);

  const std::uint16_t to_;
  std::atomic<std::chrono::milliseconds> delay_;
  std::atomic<bool> cutting_ = false;
  std::atomic<int> cut_at_ = 0;
  std::atomic<bool> ending_ = false;
  Fd listener_;
  std::uint16_t port_ = 0;
  std::list<Connection> connections_;
  std::thread thread_;
};

}  // namespace garner::destination::testing
