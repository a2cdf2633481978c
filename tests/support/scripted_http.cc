#include "support/scripted_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace garner::testing {

namespace {

bool send_all(int connection, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t sent = send(connection, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    done += static_cast<std::size_t>(sent);
  }
  return true;
}

// Reads until `text` has so many bytes; false when the other end has gone.
bool receive_until(int connection, std::string& text, std::size_t size) {
  std::array<char, 65536> buffer{};
  while (text.size() < size) {
    const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

// One request from `pending`, which keeps what came behind it.
std::optional<HttpSeen> receive(int connection, std::string& pending) {
  std::size_t end = std::string::npos;
  while ((end = pending.find("\r\n\r\n")) == std::string::npos) {
    if (!receive_until(connection, pending, pending.size() + 1)) return std::nullopt;
  }
  HttpSeen request;
  const std::string head = pending.substr(0, end + 2);
  pending.erase(0, end + 4);
  const std::size_t line = head.find("\r\n");
  const std::size_t blank = head.find(' ');
  const std::string target = head.substr(blank + 1, head.find(' ', blank + 1) - blank - 1);
  request.method = head.substr(0, blank);
  request.path = target.substr(0, target.find('?'));
  if (target.size() > request.path.size()) request.query = target.substr(request.path.size() + 1);
  for (std::size_t at = line + 2; at < head.size();) {
    const std::size_t next = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const std::size_t value = head.find_first_not_of(' ', colon + 1);
    request.headers[name] = head.substr(value, next - value);
    at = next + 2;
  }
  if (request.headers.contains("expect") && !send_all(connection, "HTTP/1.1 100 Continue\r\n\r\n"))
    return std::nullopt;
  const auto length = request.headers.find("content-length");
  const std::size_t size = length != request.headers.end() ? std::stoul(length->second) : 0;
  if (!receive_until(connection, pending, size)) return std::nullopt;
  request.body = pending.substr(0, size);
  pending.erase(0, size);
  return request;
}

}  // namespace

ScriptedHttp::ScriptedHttp(Script script) : script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 64) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no server can be started on loopback");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedHttp::~ScriptedHttp() {
  ending_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int connection : connections_) shutdown(connection, SHUT_RDWR);
  }
  ends_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  for (const int connection : connections_) close(connection);
  close(listener_);
}

std::vector<HttpSeen> ScriptedHttp::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::size_t ScriptedHttp::count(const std::string& method) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(seen_.begin(), seen_.end(), [&](const HttpSeen& one) { return one.method == method; }));
}

void ScriptedHttp::accept_all() {
  while (!ending_) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    const std::lock_guard lock(mutex_);
    connections_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void ScriptedHttp::serve(int connection) {
  std::string pending;
  while (!ending_) {
    const std::optional<HttpSeen> request = receive(connection, pending);
    if (!request || !answer(connection, *request)) break;
  }
  shutdown(connection, SHUT_RDWR);
}

// False when the connection ends with it.
bool ScriptedHttp::answer(int connection, const HttpSeen& request) {
  HttpGiven given;
  {
    std::unique_lock lock(mutex_);
    seen_.push_back(request);
    given = script_(request);
    if (given.fault == HttpGiven::Fault::kHang) ends_.wait(lock, [this] { return ending_.load(); });
  }
  if (given.fault == HttpGiven::Fault::kHangUp || given.fault == HttpGiven::Fault::kHang) return false;
  const bool cut = given.fault == HttpGiven::Fault::kCut;
  const bool measured = given.fault != HttpGiven::Fault::kUnmeasured;
  std::string text = "HTTP/1.1 " + std::to_string(given.status) + " X\r\n";
  for (const auto& [name, value] : given.headers) text += name + ": " + value + "\r\n";
  const bool names_length = std::any_of(given.headers.begin(), given.headers.end(),
                                        [](const auto& header) { return header.first == "content-length"; });
  if (measured && !names_length) text += "content-length: " + std::to_string(given.body.size()) + "\r\n";
  if (!measured) text += "connection: close\r\n";
  text += "\r\n";
  if (request.method != "HEAD") text += cut ? given.body.substr(0, given.body.size() / 2) : given.body;
  return send_all(connection, text) && measured && !cut;
}

}  // namespace garner::testing
