// A bounded number of connections to one server, which threads use in turns: each has one for itself, with a
// channel of its own, as long as its call lasts, for libssh2 lets one thread use a session at a time. The
// bound is for runs: whoever is none (StopScope) shall not wait behind those that a limit holds back.
//
// Connections are made when they are needed, kept, and made again when they are lost. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "destination/sftp/client.h"

namespace garner::destination {

class SftpPool {
 public:
  // How long a call is tried again, without a connection.
  struct Patience {
    std::chrono::milliseconds of_runs;
    std::chrono::milliseconds of_others;  // from the call's beginning
  };
  SftpPool(SftpAddress address, SshOptions options, Patience patience);

  // Calls `operation` with a client. When the connection is lost in it, it is called again from its
  // beginning, with another one, after a wait (retry.h). Error(kDestinationAway) when patience is over, when
  // several connections were lost in it, or when another try would not help; Error(kCancelled) when the
  // thread is to stop. `operation` must not call this again.
  void use(const std::string& doing, const std::function<void(SftpClient&)>& operation);

 private:
  struct Idle {
    std::unique_ptr<SftpClient> client;
    SteadyTime since;
  };
  // A client, or room for one, for as long as a call lasts.
  class Lease;

  const SftpAddress address_;
  const SshOptions options_;
  const Patience patience_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  std::vector<Idle> idle_;  // the one used last is the last; no more than the bound
  unsigned used_ = 0;
};

}  // namespace garner::destination
