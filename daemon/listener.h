// The daemon's socket: made (or taken from systemd), and its connections accepted, identified and handed on.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <optional>
#include <string>

#include "base/file.h"
#include "peers.h"
#include "stream_guard.h"

namespace garner::daemon {

// The listening socket. Removes its file when it goes, unless systemd made it.
class ListeningSocket {
 public:
  // The socket that systemd passed (LISTEN_FDS), if it passed one to this process. Error(kInvalidInput) for
  // anything but one listening Unix socket.
  static std::optional<ListeningSocket> from_systemd();
  // Makes it: for its user alone, or, as root, for the member group too if there is one. Whoever calls holds
  // the state folder's lock, so a file that is there and that nobody answers at is stale and replaced.
  // Error(kConflict) when somebody answers; Error(kAlreadyExists) when the file is not a socket.
  static ListeningSocket make(const std::string& path);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();
  int fd() const { return fd_.get(); }

 private:
  ListeningSocket(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;  // empty: not ours to remove
};

// Accepts on the thread that runs the context. Each connection gets a descriptor number that comes again only
// after thousands of others, is entered into the table, and is given away; that of a user whose daemon it is
// not with the guard before it.
class Listener {
 public:
  using Take = std::function<void(int descriptor)>;  // owns it from then on
  Listener(boost::asio::io_context& context, ListeningSocket socket, PeerTable& peers, StreamGuard& guard,
           Take take);
  void start();
  void stop();

 private:
  void wait();
  void accept_all();
  void take(Fd connection);

  ListeningSocket socket_;
  boost::asio::posix::stream_descriptor readiness_;
  PeerTable& peers_;
  StreamGuard& guard_;
  Take take_;
  int next_number_;
};

}  // namespace garner::daemon
