// GET /metrics over HTTP, on an address of this machine only, for a monitoring system that collects by
// itself. On the loop that takes connections; what it answers is made elsewhere. Small bounds on everything:
// any user of the machine can connect.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

namespace garner::daemon {

class MetricsServer {
 public:
  // `make` is called on the loop: it has `use` called with the text, from any thread, or drops it.
  using Use = std::function<void(std::string text)>;
  using Make = std::function<void(Use use)>;
  // Listens. Error(kConflict) for an address that is in use; Error(kUnavailable).
  MetricsServer(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& address, Make make);

  void start();
  // On the context's thread, or after it.
  void stop();
  // Where it listens: with port 0 the system chose one.
  boost::asio::ip::tcp::endpoint address() const;

 private:
  void accept();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;  // after an error: there may be no descriptors for a while
  const Make make_;
  const std::shared_ptr<std::atomic<int>> connections_ = std::make_shared<std::atomic<int>>(0);  // how many
};

// "127.0.0.1:9877", "[::1]:9877", "localhost:9877". Error(kInvalidInput) for what is none, and for an address
// that others could reach.
boost::asio::ip::tcp::endpoint parse_loopback_address(const std::string& text);

}  // namespace garner::daemon
