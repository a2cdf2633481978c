#include "listener.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "authority.h"
#include "base/error.h"

namespace garner::daemon {

namespace {

// Connections' numbers: a band of its own, gone through in a circle. (The kernel's table of descriptors grows
// to the highest number in use: the band is short enough for that to be nothing.)
constexpr int kFirstNumber = 1024;
constexpr int kNumbers = 8192;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw Error(ErrorKind::kInvalidInput, "the socket's path " + printable(path) + " is too long");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Fd new_socket() {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) throw system_error(errno, "making a socket", ErrorKind::kUnavailable);
  return fd;
}

// Removes what a daemon that was killed left.
void remove_stale(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) {
    throw Error(ErrorKind::kAlreadyExists, printable(path) + " is there and is not a socket");
  }
  const sockaddr_un address = address_of(path);
  const Fd probe = new_socket();
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) {
    throw Error(ErrorKind::kConflict, "another process listens on the socket " + printable(path));
  }
  if (errno != ECONNREFUSED) throw system_error(errno, "trying the socket " + printable(path));
  remove_file(path);
}

int band_end() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = kFirstNumber + kNumbers;
  return static_cast<int>(std::min(wanted, limit.rlim_cur));
}

}  // namespace

std::optional<ListeningSocket> ListeningSocket::from_systemd() {
  const int count = sd_listen_fds(/*unset_environment=*/1);
  if (count < 0) throw system_error(-count, "taking the socket from systemd", ErrorKind::kUnavailable);
  if (count == 0) return std::nullopt;
  if (count > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, nullptr, 0) <= 0) {
    throw Error(ErrorKind::kInvalidInput, "systemd must pass one listening Unix stream socket");
  }
  fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK);
  return ListeningSocket(Fd(SD_LISTEN_FDS_START), "");
}

ListeningSocket ListeningSocket::make(const std::string& path) {
  const sockaddr_un address = address_of(path);
  const bool system = geteuid() == 0;
  make_folders_durably(parent_path(path), system ? 0755 : 0700);
  remove_stale(path);
  Fd fd = new_socket();
  const mode_t before = umask(0177);
  const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int bind_error = errno;
  umask(before);
  if (bound != 0) throw system_error(bind_error, "making the socket " + printable(path));
  ListeningSocket made(std::move(fd), path);
  const std::optional<gid_t> group = system ? member_group() : std::nullopt;
  if (group.has_value()) {
    if (chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 || chmod(path.c_str(), 0660) != 0) {
      throw system_error(errno, "giving the socket " + printable(path) + " to the group");
    }
  }
  if (listen(made.fd(), SOMAXCONN) != 0) throw system_error(errno, "listening on " + printable(path));
  return made;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}

ListeningSocket::~ListeningSocket() {
  if (!path_.empty()) unlink(path_.c_str());
}

Listener::Listener(boost::asio::io_context& context, ListeningSocket socket, PeerTable& peers,
                   StreamGuard& guard, Take take)
    : socket_(std::move(socket)),
      readiness_(context, dup(socket_.fd())),
      peers_(peers),
      guard_(guard),
      take_(std::move(take)),
      next_number_(kFirstNumber) {}

void Listener::start() { wait(); }

void Listener::stop() {
  boost::system::error_code ignored;
  readiness_.close(ignored);
}

void Listener::wait() {
  readiness_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (error) return;  // stopped
                          accept_all();
                          wait();
                        });
}

void Listener::accept_all() {
  for (;;) {
    Fd connection(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) {
      take(std::move(connection));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) spdlog::error("accepting a connection: {}", std::strerror(errno));
    return;
  }
}

void Listener::take(Fd connection) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    spdlog::error("a connection without credentials is refused: {}", std::strerror(errno));
    return;
  }
  const Peer peer{credentials.uid, credentials.gid, credentials.pid};
  if (peer.uid != 0 && peer.uid != geteuid()) {
    connection = guard_.stand_before(std::move(connection), peer);
    if (!connection.valid()) return;
  }
  const int end = band_end();
  if (next_number_ >= end) next_number_ = std::min(kFirstNumber, end - 1);
  int number = fcntl(connection.get(), F_DUPFD_CLOEXEC, next_number_);
  if (number < 0) number = fcntl(connection.get(), F_DUPFD_CLOEXEC, 3);
  if (number < 0) {
    spdlog::error("a connection is refused: {}", std::strerror(errno));
    return;
  }
  next_number_ = number + 1;
  peers_.set(number, peer);
  take_(number);
}

}  // namespace garner::daemon
