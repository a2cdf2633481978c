#include "destination/sftp/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/stop_scope.h"

namespace garner::destination {

namespace {

struct Address {
  sockaddr_storage value{};
  socklen_t length = 0;
};

struct Resolved {
  int error = 0;  // of getaddrinfo
  int error_number = 0;
  std::vector<Address> addresses;
};

Resolved resolve(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  Resolved resolved;
  resolved.error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  resolved.error_number = errno;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(resolved.error == 0 ? found : nullptr,
                                                                 freeaddrinfo);
  for (const addrinfo* at = owner.get(); at != nullptr; at = at->ai_next) {
    Address address;
    if (at->ai_addrlen > sizeof address.value) continue;
    std::memcpy(&address.value, at->ai_addr, at->ai_addrlen);
    address.length = at->ai_addrlen;
    resolved.addresses.push_back(address);
  }
  return resolved;
}

// The resolver cannot be told to stop: it is asked by another thread, which is left behind if it takes too
// long and ends when the resolver gives up.
Resolved resolve_within(const std::string& host, std::uint16_t port, std::chrono::milliseconds limit) {
  if (Resolved numeric = resolve(host, port, AI_NUMERICHOST); numeric.error == 0) return numeric;
  struct Question {
    std::mutex mutex;
    std::condition_variable_any answered;
    bool done = false;
    Resolved resolved;
  };
  const auto question = std::make_shared<Question>();
  std::thread([question, host, port] {
    Resolved resolved = resolve(host, port, AI_ADDRCONFIG);
    const std::lock_guard lock(question->mutex);
    question->resolved = std::move(resolved);
    question->done = true;
    question->answered.notify_all();
  }).detach();
  std::unique_lock lock(question->mutex);
  const std::stop_token stop = StopScope::current();
  if (!question->answered.wait_for(lock, stop, limit, [&] { return question->done; })) {
    if (stop.stop_requested()) throw SshStopped();
    throw SshFailure("the address of " + printable(host) + " is not found out in time", true);
  }
  return std::move(question->resolved);
}

std::string text_of(int error_number) { return std::generic_category().message(error_number); }

// A link that is gone is noticed, also where nobody waits for an answer.
void tune(int fd) {
  const int on = 1;
  const int idle = 30;
  const int interval = 10;
  const int count = 3;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

// Invalid, with what is wrong in `trouble`, when the address does not answer.
Fd connect_to_one(const Address& address, std::chrono::milliseconds limit, std::string& trouble) {
  Fd fd(socket(address.value.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    trouble = text_of(errno);
    return {};
  }
  tune(fd.get());
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.value), address.length) == 0) return fd;
  if (errno != EINPROGRESS) {
    trouble = text_of(errno);
    return {};
  }
  SocketWait wait;
  if (wait.ready(fd.get(), POLLOUT, std::chrono::steady_clock::now() + limit) == 0) {
    trouble = "it does not answer";
    return {};
  }
  int error_number = 0;
  socklen_t length = sizeof error_number;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error_number, &length) != 0) error_number = errno;
  if (error_number == 0) return fd;
  trouble = text_of(error_number);
  return {};
}

}  // namespace

Fd connect_to(const std::string& host, std::uint16_t port, std::chrono::milliseconds limit) {
  const Resolved resolved = resolve_within(host, port, limit);
  if (resolved.error != 0) {
    const std::string why =
        resolved.error == EAI_SYSTEM ? text_of(resolved.error_number) : gai_strerror(resolved.error);
    // What the resolver has been told for certain does not change by asking again at once.
    throw SshFailure("there is no address of " + printable(host) + ": " + why,
                     resolved.error != EAI_NONAME && resolved.error != EAI_FAIL);
  }
  std::string trouble = "it has no address";
  for (const Address& address : resolved.addresses) {
    Fd fd = connect_to_one(address, limit, trouble);
    if (fd.valid()) return fd;
  }
  throw SshFailure("no connection to " + printable(host) + ", port " + std::to_string(port) + ": " + trouble,
                   true);
}

}  // namespace garner::destination
