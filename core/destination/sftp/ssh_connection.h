// A connection to a server's SFTP, by libssh2: TCP, the server's key held against the known ones, a login
// with a key, and one channel, whose bytes are written and read here.
//
// One thread at a time. Limits are those of SshSession. After an SshFailure nothing but destruction makes
// sense.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "destination/sftp/address.h"
#include "destination/sftp/ssh_session.h"
#include "destination/sftp/user_files.h"

typedef struct _LIBSSH2_CHANNEL LIBSSH2_CHANNEL;

namespace garner::destination {

struct SshOptions {
  // A file of ssh's format; empty: the user's own and the machine's. Read at each login.
  std::string known_hosts;
  // Asked at each login, by any thread, and forgotten after it; not set: no keys but the agent's. What it
  // throws is told as away.
  std::function<std::vector<SshKey>()> keys;
  std::string agent;  // the socket of an ssh-agent, which is asked after the keys; empty: none is
  unsigned connections = 4;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds stall_timeout{30'000};  // nothing is heard
  std::chrono::milliseconds answer_timeout{
      300'000};  // signs of life, but no answer: as long as a slow disk takes
  // Called by the thread that asks, with pieces of files before they are sent and before they are asked for;
  // may wait.
  std::function<void(std::uint64_t)> before_sending;
  std::function<void(std::uint64_t)> before_receiving;
};

class SshConnection {
 public:
  // Connects and logs in.
  SshConnection(const SftpAddress& address, const SshOptions& options);

  // All of it.
  void write(ByteView data);
  // What is there, at least one byte.
  std::size_t read(MutableByteView into);

  // From now on another thread may be using it.
  void change_hands() { session_.change_hands(); }
  void set_answer_timeout(std::chrono::milliseconds limit) { session_.set_answer_timeout(limit); }

 private:
  void open_channel();

  SshSession session_;
  LIBSSH2_CHANNEL* channel_ = nullptr;  // the session's
};

}  // namespace garner::destination
