#include "destination/sftp/ssh_connection.h"

#include <libssh2.h>

#include <algorithm>

#include "base/error.h"
#include "destination/sftp/host_key.h"
#include "destination/sftp/socket.h"
#include "destination/sftp/ssh_login.h"

namespace garner::destination {

namespace {

// Wipes keys at the end of a login, however it ends.
struct Keys {
  std::vector<SshKey> list;
  ~Keys() { wipe(list); }
};

}  // namespace

SshConnection::SshConnection(const SftpAddress& address, const SshOptions& options)
    : session_(connect_to(address.host, address.port, options.connect_timeout), options.stall_timeout,
               options.answer_timeout) {
  const std::vector<std::string> files =
      options.known_hosts.empty() ? usual_known_hosts() : std::vector<std::string>{options.known_hosts};
  try {
    const KnownHosts known = read_known_hosts(files);
    prefer_known_keys(session_, address, known);
    session_.shake_hands();
    check_host_key(session_, address, known, files);
    const Keys keys{options.keys ? options.keys() : std::vector<SshKey>()};
    log_in(session_, address.user.empty() ? own_user_name() : address.user, keys.list, options.agent);
  } catch (const Error& error) {
    // Of files and of what asks for keys: somebody has to put it right.
    throw SshFailure(error.what(), false);
  }
  session_.ask_for_signs_of_life();
  open_channel();
}

void SshConnection::open_channel() {
  const std::string doing = "opening a channel for SFTP";
  long result = session_.complete(doing, [&]() -> long {
    channel_ = libssh2_channel_open_session(session_.get());
    return channel_ != nullptr ? 0 : libssh2_session_last_errno(session_.get());
  });
  if (channel_ == nullptr) throw session_.failure(doing, result);
  result = session_.complete(doing, [&] { return libssh2_channel_subsystem(channel_, "sftp"); });
  if (result == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
    throw SshFailure("the server has no SFTP, or this account may not use it", false);
  }
  if (result != 0) throw session_.failure(doing, result);
  // What a start-up file prints to standard error is of no interest.
  result = session_.complete(doing, [&] {
    return libssh2_channel_handle_extended_data2(channel_, LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE);
  });
  if (result != 0) throw session_.failure(doing, result);
}

void SshConnection::write(ByteView data) {
  while (!data.empty()) {
    // Called again after it had to wait, libssh2 wants the same bytes: what it keeps is a part of them.
    const long result = session_.complete("sending", [&]() -> long {
      const ssize_t sent =
          libssh2_channel_write(channel_, reinterpret_cast<const char*>(data.data()), data.size());
      // Nothing, when the server's window is closed.
      return sent == 0 ? LIBSSH2_ERROR_EAGAIN : sent;
    });
    if (result < 0) throw session_.failure("sending", result);
    data = data.subspan(static_cast<std::size_t>(result));
  }
}

std::size_t SshConnection::read(MutableByteView into) {
  // Nothing is the end of the channel, or, once in a while, a packet that was none of its data.
  for (int nothing = 0; nothing < 3; ++nothing) {
    const long result = session_.complete("receiving", [&]() -> long {
      return libssh2_channel_read(channel_, reinterpret_cast<char*>(into.data()), into.size());
    });
    if (result < 0) throw session_.failure("receiving", result);
    if (result > 0) return static_cast<std::size_t>(result);
  }
  throw SshFailure("the server has ended SFTP", true);
}

}  // namespace garner::destination
