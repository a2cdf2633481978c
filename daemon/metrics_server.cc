#include <utility>

#include "metrics_server.h"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "base/error.h"
namespace garner::daemon {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr int kMostConnections = 8;
constexpr std::size_t kLongestRequest = 8u << 10;
constexpr std::chrono::seconds kRequestPatience{10};
constexpr std::chrono::seconds kPauseAfterError{1};
constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

// The name that a client believes to talk to, without the port. A page from elsewhere that a browser of this
// machine shows comes by a name of its own, and learns nothing.
bool is_own_name(std::string_view host) {
  if (host.empty()) return true;
  const std::size_t port = host.rfind(':');
  const std::string_view name =
      port == std::string_view::npos || host.ends_with(']') ? host : host.substr(0, port);
  if (name == "localhost" || name == "[::1]") return true;
  boost::system::error_code error;
  const auto address = asio::ip::make_address_v4(std::string(name), error);
  return !error && address.is_loopback();
}

// One request and its answer; lives as long as its operations.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, MetricsServer::Make make, std::shared_ptr<std::atomic<int>> connections)
      : stream_(std::move(socket)), make_(std::move(make)), connections_(std::move(connections)) {
    ++*connections_;
    parser_.header_limit(kLongestRequest);
    parser_.body_limit(kLongestRequest);
  }
  ~Connection() { --*connections_; }

  void start() {
    stream_.expires_after(kRequestPatience);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](const beast::error_code& error, std::size_t) {
                       if (error == http::error::header_limit || error == http::error::body_limit ||
                           error == http::error::buffer_overflow) {
                         return self->refuse(http::status::payload_too_large, "The request is too long");
                       }
                       if (!error) self->answer();
                     });
  }

 private:
  void answer() {
    const auto& request = parser_.get();
    if (!is_own_name(std::string_view(request[http::field::host].data(), request[http::field::host].size())))
      return refuse(http::status::misdirected_request, "This is only for this machine");
    if (request.method() != http::verb::get && request.method() != http::verb::head)
      return refuse(http::status::method_not_allowed, "GET is allowed");
    const std::string_view target(request.target().data(), request.target().size());
    if (target.substr(0, target.find('?')) != "/metrics")
      return refuse(http::status::not_found, "There is /metrics");
    // Made elsewhere: the loop goes on meanwhile.
    make_([self = shared_from_this(), executor = stream_.get_executor()](std::string text) {
      asio::post(executor, [self, text = std::move(text)]() mutable {
        self->send(http::status::ok, kContentType, std::move(text));
      });
    });
  }

  void refuse(http::status status, const std::string& why) {
    send(status, "text/plain; charset=utf-8", why + "\n");
  }

  void send(http::status status, const char* type, std::string text) {
    response_.result(status);
    response_.version(11);
    response_.set(http::field::content_type, type);
    response_.set(http::field::connection, "close");
    if (status == http::status::method_not_allowed) response_.set(http::field::allow, "GET, HEAD");
    response_.content_length(text.size());
    if (parser_.get().method() != http::verb::head) response_.body() = std::move(text);
    stream_.expires_after(kRequestPatience);
    http::async_write(stream_, response_, [self = shared_from_this()](const beast::error_code&, std::size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  const MetricsServer::Make make_;
  const std::shared_ptr<std::atomic<int>> connections_;
  beast::flat_buffer buffer_{kLongestRequest};
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
};

std::string shown(const tcp::endpoint& address) {
  return (address.address().is_v6() ? "[" + address.address().to_string() + "]"
                                    : address.address().to_string()) +
         ":" + std::to_string(address.port());
}

}  // namespace

MetricsServer::MetricsServer(asio::io_context& context, const tcp::endpoint& address, Make make)
    : acceptor_(context), pause_(context), make_(std::move(make)) {
  boost::system::error_code error;
  acceptor_.open(address.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(address, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return;
  throw Error(error == asio::error::address_in_use ? ErrorKind::kConflict : ErrorKind::kUnavailable,
              "listening for metrics on " + shown(address) + ": " + error.message());
}

tcp::endpoint MetricsServer::address() const { return acceptor_.local_endpoint(); }

void MetricsServer::start() {
  spdlog::info("metrics are served at http://{}/metrics", shown(address()));
  accept();
}

void MetricsServer::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel(ignored);
}

void MetricsServer::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (error) {
      pause_.expires_after(kPauseAfterError);
      return pause_.async_wait([this](const boost::system::error_code& stopped) {
        if (!stopped) accept();
      });
    }
    // One too many is closed at once.
    if (*connections_ < kMostConnections)
      std::make_shared<Connection>(std::move(socket), make_, connections_)->start();
    accept();
  });
}

}  // namespace garner::daemon
