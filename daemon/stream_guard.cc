#include "stream_guard.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "frame_scanner.h"

namespace garner::daemon {

namespace {

using Socket = boost::asio::local::stream_protocol::socket;

constexpr std::size_t kBuffer = 16u << 10;  // for each direction

}  // namespace

// Keeps itself alive while it waits for one of its sockets. On the guard's thread.
class StreamGuard::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(StreamGuard& guard, const Peer& peer, Fd caller, Fd inner)
      : guard_(guard),
        peer_(peer),
        caller_(guard.context_),
        inner_(guard.context_),
        asked_{caller_, inner_, FrameScanner(FrameScanner::kPreface)},
        answered_{inner_, caller_, FrameScanner(0)} {
    give(std::move(caller), caller_);
    give(std::move(inner), inner_);
  }
  ~Connection() {
    for (std::size_t i = 0; i < open_.size(); ++i) guard_.streams_.end(peer_.uid);
    guard_.leave_place(peer_.uid);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() {
    pass_on(asked_);
    pass_on(answered_);
  }

 private:
  struct Direction {
    Socket& from;
    Socket& to;
    FrameScanner scanner;
    std::array<char, kBuffer> buffer{};
  };

  // The descriptor is the socket's only when that has taken it: a socket that fails to does not close it.
  static void give(Fd descriptor, Socket& socket) {
    socket.assign(boost::asio::local::stream_protocol(), descriptor.get());
    descriptor.release();
  }

  // What was read is written before more is read: whoever is slow is waited for.
  void pass_on(Direction& direction) {
    direction.from.async_read_some(
        boost::asio::buffer(direction.buffer),
        [self = shared_from_this(), &direction](const boost::system::error_code& error, std::size_t size) {
          if (error || !self->look(direction, {direction.buffer.data(), size})) return self->close();
          boost::asio::async_write(direction.to, boost::asio::buffer(direction.buffer, size),
                                   [self, &direction](const boost::system::error_code& failure, std::size_t) {
                                     if (failure) return self->close();
                                     self->pass_on(direction);
                                   });
        });
  }

  // False where there are too many streams.
  bool look(Direction& direction, std::string_view bytes) {
    const bool asks = &direction == &asked_;
    bool good = true;
    direction.scanner.feed(bytes, [&](const FrameHead& frame) {
      const bool has_end = frame.type == FrameHead::kData || frame.type == FrameHead::kHeaders;
      if (asks && frame.type == FrameHead::kHeaders && frame.stream > last_) {
        last_ = frame.stream;
        open_.insert(frame.stream);
        good = guard_.streams_.begin(peer_.uid) <= kMostCallsOfMember + kMostRefusedCalls &&
               open_.size() <= static_cast<std::size_t>(kMostCallsOfConnection) && good;
      } else if (frame.type == FrameHead::kResetStream ||
                 (!asks && has_end && (frame.flags & FrameHead::kEndStream) != 0)) {
        if (open_.erase(frame.stream) > 0) guard_.streams_.end(peer_.uid);
      }
    });
    if (!good)
      spdlog::warn("user {} (process {}) opens too many calls at once: hung up", peer_.uid, peer_.pid);
    return good;
  }

  void close() {
    boost::system::error_code ignored;
    caller_.close(ignored);
    inner_.close(ignored);
  }

  StreamGuard& guard_;
  const Peer peer_;
  Socket caller_;
  Socket inner_;
  Direction asked_;
  Direction answered_;
  std::set<std::uint32_t> open_;  // streams
  std::uint32_t last_ = 0;        // the newest of them: numbers only rise
};

StreamGuard::StreamGuard() : stays_(context_.get_executor()), thread_([this] { context_.run(); }) {}

StreamGuard::~StreamGuard() {
  context_.stop();
  thread_.join();
}

Fd StreamGuard::stand_before(Fd connection, const Peer& peer) {
  if (!take_place(peer.uid)) {
    spdlog::warn("user {} (process {}) has {} connections open: another is refused", peer.uid, peer.pid,
                 kMostConnectionsOfUser);
    return Fd();
  }
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    spdlog::error("a connection is refused: {}", std::strerror(errno));
    leave_place(peer.uid);
    return Fd();
  }
  Fd inner(ends[0]);
  Fd outer(ends[1]);
  std::shared_ptr<Connection> made;
  try {
    made = std::make_shared<Connection>(*this, peer, std::move(connection), std::move(inner));
  } catch (const std::exception& error) {
    spdlog::error("a connection is refused: {}", error.what());
    leave_place(peer.uid);
    return Fd();
  }
  boost::asio::post(context_, [made] { made->start(); });
  return outer;
}

bool StreamGuard::take_place(uid_t user) {
  const std::lock_guard lock(mutex_);
  std::size_t& count = connections_[user];
  if (count >= kMostConnectionsOfUser) return false;
  ++count;
  return true;
}

void StreamGuard::leave_place(uid_t user) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(user);
  if (--found->second == 0) connections_.erase(found);
}

}  // namespace garner::daemon
