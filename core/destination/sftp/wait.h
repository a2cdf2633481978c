// Waiting for a server, within limits: what every step of an SSH connection is made of.
//
// A thread that is told to stop (StopScope) goes on for a few seconds, for a record may be on its way.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace garner::destination {

using SteadyTime = std::chrono::steady_clock::time_point;

// There is no connection, or not any more. `again`: another try may succeed.
class SshFailure : public std::runtime_error {
 public:
  SshFailure(const std::string& message, bool again) : std::runtime_error(message), again_(again) {}
  bool again() const { return again_; }

 private:
  bool again_;
};

// This thread is to stop.
class SshStopped : public SshFailure {
 public:
  SshStopped() : SshFailure("the run was stopped", false) {}
};

class SocketWait {
 public:
  // Until `fd` is ready for one of poll(2)'s `events`, or `until`: the events that came, 0 for none.
  // SshStopped when this thread was to stop some seconds ago.
  short ready(int fd, short events, SteadyTime until);

 private:
  std::optional<SteadyTime> stopped_at_;
};

}  // namespace garner::destination
