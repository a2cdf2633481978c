// What systemd is told of the daemon (Type=notify): that it serves, what it is doing, that it is alive, that
// it stops. Where nobody listens (NOTIFY_SOCKET is not set) nothing is sent.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "garner/v1/service.pb.h"

namespace garner::daemon {

// The watchdog is fed from a timer of the context, twice in the time that WatchdogSec= gives: a loop that
// takes no connections and hears no signals any more feeds nothing, and systemd starts the daemon anew. Work
// that a hanging disk holds up runs elsewhere and does not keep it from being fed.
class ServiceManager {
 public:
  explicit ServiceManager(boost::asio::io_context& context);

  // On the thread of the context, as is stopping().
  void ready();
  void stopping();
  // Any thread. `line` is asked under a lock, so that the last to be sent is the newest; said again, it is
  // not sent again.
  void status(const std::function<std::string()>& line);

 private:
  void feed();

  boost::asio::steady_timer timer_;
  std::chrono::microseconds interval_{0};  // none: no watchdog
  std::mutex mutex_;
  std::string told_;
};

// What is under way, in a line: "backup of home, 45 %", "backup of home is paused", and so on; "idle".
std::string status_line(const std::vector<v1::Run>& active);

}  // namespace garner::daemon
