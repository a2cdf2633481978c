// libssh2's session over a socket that does not block: each of its steps with a limit.
//
// One thread at a time. A server from which nothing is heard for as long as `stall_timeout` is lost, although
// it is asked for a sign of life; so is one that gives signs of life, but does not do for `answer_timeout`
// what is waited for. After an SshFailure nothing but destruction makes sense.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "destination/sftp/wait.h"

typedef struct _LIBSSH2_SESSION LIBSSH2_SESSION;

namespace garner::destination {

class SshSession {
 public:
  // `socket`: connected. Nothing is sent yet. A session takes about 200 KiB of memory.
  SshSession(Fd socket, std::chrono::milliseconds stall_timeout, std::chrono::milliseconds answer_timeout);
  SshSession(const SshSession&) = delete;
  ~SshSession();

  LIBSSH2_SESSION* get() const { return session_.get(); }

  // Before shake_hands(): which of libssh2's methods of a kind (LIBSSH2_METHOD_…) are offered, best first.
  // Names that it does not know are left out.
  void offer(int kind, const std::vector<std::string>& methods);
  // Agrees with the server on the session's keys. It has proved then that it has the host key it shows.
  void shake_hands();
  // Only after the login: it is refused, or taken amiss, before.
  void ask_for_signs_of_life();

  // Calls `call` until its result is another than LIBSSH2_ERROR_EAGAIN, which is returned: what went wrong in
  // it is the caller's to say. SshFailure, beginning with `doing`, when a limit is reached.
  long complete(const std::string& doing, const std::function<long()>& call);
  // What libssh2's error `code` means.
  SshFailure failure(const std::string& doing, long code) const;

  // Whether the server has ended the connection, or the network has. Some of libssh2's calls have another
  // word for what they wait for in vain.
  bool is_lost() const;

  // From now on another thread may be using it.
  void change_hands() { wait_ = {}; }
  void set_answer_timeout(std::chrono::milliseconds limit) { answer_timeout_ = limit; }

 private:
  struct Deleter {
    void operator()(LIBSSH2_SESSION* session) const;
  };

  void wait_for_socket(const std::string& doing, SteadyTime until);

  const Fd socket_;
  const std::chrono::milliseconds stall_timeout_;
  std::chrono::milliseconds answer_timeout_;
  std::unique_ptr<LIBSSH2_SESSION, Deleter> session_;
  SocketWait wait_;
  SteadyTime heard_;  // when the socket was last ready for what was waited for
  bool asking_ = false;
};

}  // namespace garner::destination
