#include "destination/sftp/ssh_session.h"

#include <libssh2.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::destination {

namespace {

constexpr unsigned kSignOfLife = 5;  // seconds of silence after which the server is asked for one

void start_libssh2() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (libssh2_init(0) != 0) throw Error(ErrorKind::kUnavailable, "libssh2 cannot be started");
  });
}

// Whether a failure is of what was agreed on, which another try does not change.
bool is_final(long code) {
  switch (code) {
    case LIBSSH2_ERROR_KEX_FAILURE:
    case LIBSSH2_ERROR_METHOD_NONE:
    case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
    case LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED:
    case LIBSSH2_ERROR_INVAL:
      return true;
    default:
      return false;
  }
}

}  // namespace

void SshSession::Deleter::operator()(LIBSSH2_SESSION* session) const {
  // The socket is shut down, so nothing of it waits; what libssh2 could not finish at once it can now.
  for (int tries = 0; tries < 10 && libssh2_session_free(session) == LIBSSH2_ERROR_EAGAIN; ++tries) {
  }
}

SshSession::SshSession(Fd socket, std::chrono::milliseconds stall_timeout,
                       std::chrono::milliseconds answer_timeout)
    : socket_(std::move(socket)),
      stall_timeout_(stall_timeout),
      answer_timeout_(answer_timeout),
      heard_(std::chrono::steady_clock::now()) {
  start_libssh2();
  session_.reset(libssh2_session_init_ex(nullptr, nullptr, nullptr, nullptr));
  if (!session_) throw Error(ErrorKind::kUnavailable, "no memory for an SSH session");
  libssh2_session_set_blocking(session_.get(), 0);
}

SshSession::~SshSession() {
  // A farewell, if it can go out at once.
  libssh2_session_disconnect(session_.get(), "done");
  shutdown(socket_.get(), SHUT_RDWR);
}

long SshSession::complete(const std::string& doing, const std::function<long()>& call) {
  const SteadyTime until = std::chrono::steady_clock::now() + answer_timeout_;
  heard_ = std::chrono::steady_clock::now();
  for (;;) {
    const long result = call();
    if (result != LIBSSH2_ERROR_EAGAIN) return result;
    wait_for_socket(doing, until);
  }
}

bool SshSession::is_lost() const {
  char byte = 0;
  const ssize_t result = recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return result == 0 || (result < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void SshSession::offer(int kind, const std::vector<std::string>& methods) {
  const char** names = nullptr;
  const int count = libssh2_session_supported_algs(session_.get(), kind, &names);
  std::vector<std::string> known;
  for (int i = 0; i < count; ++i) known.emplace_back(names[i]);
  if (count > 0) libssh2_free(session_.get(), names);
  // Left out here: 1.10 has trouble with doing it.
  std::string list;
  for (const std::string& method : methods) {
    if (std::find(known.begin(), known.end(), method) == known.end()) continue;
    list += (list.empty() ? "" : ",") + method;
  }
  const int result = libssh2_session_method_pref(session_.get(), kind, list.c_str());
  if (result != 0) throw failure("choosing methods", result);
}

void SshSession::shake_hands() {
  // Of what libssh2 has, what is thought well of today. Of key exchanges it orders and marks its own.
  const std::vector<std::string> ciphers{
      "aes256-gcm@openssh.com",       "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr",
      "chacha20-poly1305@openssh.com"};
  const std::vector<std::string> codes{"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
                                       "hmac-sha2-256", "hmac-sha2-512"};
  for (const int kind : {LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC}) offer(kind, ciphers);
  for (const int kind : {LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC}) offer(kind, codes);
  const std::string doing = "agreeing with the server on keys";
  const long result =
      complete(doing, [&] { return libssh2_session_handshake(session_.get(), socket_.get()); });
  if (result != 0) throw failure(doing, result);
}

void SshSession::ask_for_signs_of_life() {
  libssh2_keepalive_config(session_.get(), /*want_reply=*/1, kSignOfLife);
  asking_ = true;
}

void SshSession::wait_for_socket(const std::string& doing, SteadyTime until) {
  // While a packet is partly sent nothing else can be sent, nor is anything read.
  const bool sending =
      (libssh2_session_block_directions(session_.get()) & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0;
  const bool asking = asking_ && !sending;
  for (;;) {
    const SteadyTime limit = std::min(until, heard_ + stall_timeout_);
    const SteadyTime glance =
        asking ? std::min(limit, std::chrono::steady_clock::now() + std::chrono::seconds(kSignOfLife))
               : limit;
    if (wait_.ready(socket_.get(), sending ? POLLOUT : POLLIN, glance) != 0) {
      heard_ = std::chrono::steady_clock::now();
      return;
    }
    if (std::chrono::steady_clock::now() >= limit) {
      throw SshFailure(doing + ": the server does not answer", true);
    }
    int next = 0;
    if (asking) libssh2_keepalive_send(session_.get(), &next);
  }
}

SshFailure SshSession::failure(const std::string& doing, long code) const {
  char* message = nullptr;
  int length = 0;
  libssh2_session_last_error(session_.get(), &message, &length, /*want_buf=*/0);
  std::string why;
  if (message != nullptr && length > 0) why = printable({message, static_cast<std::size_t>(length)});
  if (code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_RECV ||
      code == LIBSSH2_ERROR_SOCKET_SEND) {
    why = "the connection is lost";
  }
  if (why.empty()) why = "libssh2 says " + std::to_string(code);
  return SshFailure(doing + ": " + why, !is_final(code));
}

}  // namespace garner::destination
