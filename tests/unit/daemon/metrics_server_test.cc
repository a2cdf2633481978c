#include "metrics_server.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>
#include <vector>

#include "installation.h"

namespace garner::daemon {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Served {
  Served()
      : server(context, {asio::ip::make_address("127.0.0.1"), 0},
               [this](MetricsServer::Use use) {
                 const std::string text = answers ? "metric 1\n" : "";
                 if (answers) makers.emplace_back([use = std::move(use), text] { use(text); });
               }),
        thread([this] {
          server.start();
          context.run();
        }) {}
  ~Served() {
    asio::post(context, [this] {
      server.stop();
      context.stop();
    });
  }

  tcp::socket connect() {
    tcp::socket socket(client);
    socket.connect(server.address());
    return socket;
  }
  static std::string rest_of(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string ask(const std::string& request) {
    tcp::socket socket = connect();
    boost::system::error_code error;
    asio::write(socket, asio::buffer(request), error);
    return rest_of(socket);
  }

  asio::io_context context;
  asio::io_context client;
  bool answers = true;
  std::vector<std::jthread> makers;  // what they hold of connections goes before the loop does
  MetricsServer server;
  std::jthread thread;
};

TEST_CASE("metrics are served, and nothing else") {
  Served served;
  const std::string answer = served.ask("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9877\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\nmetric 1\n"));
  const std::string head = served.ask("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(served.ask("GET /metrics?x=1 HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
  CHECK(served.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 404 "));
  CHECK(served.ask("GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 404 "));
  const std::string post =
      served.ask("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
  CHECK(post.starts_with("HTTP/1.1 405 "));
  CHECK(post.find("Allow: GET, HEAD\r\n") != std::string::npos);
}

TEST_CASE("a name that is not this machine's is refused") {
  Served served;
  for (const char* host : {"evil.example", "evil.example:9877", "127.0.0.1.evil.example", "10.0.0.1"})
    CHECK(served.ask("GET /metrics HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
              .starts_with("HTTP/1.1 421 "));
  for (const char* host : {"localhost", "localhost:9877", "127.0.0.1:9877", "[::1]:9877", "[::1]"})
    CHECK(served.ask("GET /metrics HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
              .starts_with("HTTP/1.1 200 "));
}

TEST_CASE("what is no request, or too long, gets no metrics and does no harm") {
  Served served;
  CHECK(served.ask("garbage\r\n\r\n").find("metric") == std::string::npos);
  CHECK(served.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n")
            .find("metric") == std::string::npos);
  CHECK(served.ask("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
            .find("metric") == std::string::npos);
  CHECK(served.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("connections that say nothing take no more than their number") {
  Served served;
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(served.connect());
  // The ninth is closed without an answer; when one goes there is room again.
  std::string answer = "x";
  for (int i = 0; i < 1000 && !answer.empty(); ++i)
    answer = served.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(answer.empty());
  silent.clear();
  for (int i = 0; i < 1000 && answer.empty(); ++i) {
    answer = served.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (answer.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(answer.starts_with("HTTP/1.1 200 "));
}

TEST_CASE("an address that is taken is told") {
  asio::io_context context;
  const auto nothing = [](MetricsServer::Use) {};
  MetricsServer first(context, {asio::ip::make_address("127.0.0.1"), 0}, nothing);
  CHECK(kind_of([&] { MetricsServer second(context, first.address(), nothing); }) == ErrorKind::kConflict);
}

TEST_CASE("addresses to listen on") {
  CHECK(parse_loopback_address("127.0.0.1:9877").port() == 9877);
  CHECK(parse_loopback_address("127.1.2.3:1").address().to_string() == "127.1.2.3");
  CHECK(parse_loopback_address("[::1]:9877").address().is_v6());
  CHECK(parse_loopback_address("localhost:9877").address().is_loopback());
  for (const char* bad :
       {"", "127.0.0.1", ":9877", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x",
        "0.0.0.0:9877", "[::]:9877", "192.168.1.1:9877", "example.org:9877", "127.0.0.1:98 77"})
    CHECK(kind_of([&] { parse_loopback_address(bad); }) == ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace garner::daemon
