#include "slow_link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/error.h"

namespace garner::destination::testing {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void send_all(int fd, ByteView data) {
  while (!data.empty()) {
    const ssize_t sent = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // whoever it is for is gone: the next read tells
    data = data.subspan(static_cast<std::size_t>(sent));
  }
}

}  // namespace

SlowLink::SlowLink(std::uint16_t to, std::chrono::milliseconds delay)
    : to_(to), delay_(delay), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      listen(listener_.get(), 16) != 0 ||
      getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw system_error(errno, "opening a port", ErrorKind::kUnavailable);
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { work(); });
}

SlowLink::~SlowLink() {
  ending_ = true;
  thread_.join();
}

void SlowLink::cut() {
  delay_ = std::chrono::milliseconds(0);
  cutting_ = true;
  while (cutting_) std::this_thread::yield();
}

void SlowLink::work() {
  while (!ending_) {
    if (cutting_) {
      connections_.clear();
      cutting_ = false;
    }
    std::vector<pollfd> waited{{listener_.get(), POLLIN, 0}};
    for (const Connection& connection : connections_) {
      waited.push_back({connection.client.get(), POLLIN, 0});
      waited.push_back({connection.server.get(), POLLIN, 0});
    }
    poll(waited.data(), waited.size(), 1);
    std::size_t at = 1;
    for (auto connection = connections_.begin(); connection != connections_.end(); at += 2) {
      const bool goes_on = forward(*connection, waited[at].revents != 0, waited[at + 1].revents != 0);
      connection = goes_on ? std::next(connection) : connections_.erase(connection);
    }
    if (waited[0].revents != 0) accept_one();
  }
}

void SlowLink::accept_one() {
  Connection connection;
  connection.client = Fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  connection.server = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(to_);
  if (connect(connection.server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    connections_.push_back(std::move(connection));
  }
}

bool SlowLink::forward(Connection& connection, bool from_client, bool from_server) {
  Bytes buffer(64u << 10);
  if (from_client) {
    const ssize_t got = read(connection.client.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    send_all(connection.server.get(), ByteView(buffer).first(static_cast<std::size_t>(got)));
  }
  const auto now = std::chrono::steady_clock::now();
  if (from_server) {
    const ssize_t got = read(connection.server.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    if (cut_at_ > 0 && --cut_at_ == 0) return false;
    buffer.resize(static_cast<std::size_t>(got));
    connection.answers.push_back({now + delay_.load(), std::move(buffer)});
  }
  while (!connection.answers.empty() && connection.answers.front().when <= now) {
    send_all(connection.client.get(), connection.answers.front().data);
    connection.answers.pop_front();
  }
  return true;
}

}  // namespace garner::destination::testing
