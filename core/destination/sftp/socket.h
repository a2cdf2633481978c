// A TCP connection to a server, made within a time limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/file.h"
#include "destination/sftp/wait.h"

namespace garner::destination {

// A socket that does not block, with TCP_NODELAY and keepalive. The addresses of the host are tried one after
// the other, each for `limit`; so long at most is waited for the resolver, too. SshFailure: there is none, or
// none answers.
Fd connect_to(const std::string& host, std::uint16_t port, std::chrono::milliseconds limit);

}  // namespace garner::destination
