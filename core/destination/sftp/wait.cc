#include "destination/sftp/wait.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/stop_scope.h"

namespace garner::destination {

namespace {

// How often a thread that waits looks whether it is to stop.
constexpr std::chrono::milliseconds kGlance{200};

}  // namespace

short SocketWait::ready(int fd, short events, SteadyTime until) {
  for (;;) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (StopScope::current().stop_requested()) {
      if (!stopped_at_) stopped_at_ = now;
      if (now - *stopped_at_ > kStopGrace) throw SshStopped();
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    pollfd waited{fd, events, 0};
    const int found =
        poll(&waited, 1, static_cast<int>(std::clamp<std::chrono::milliseconds>(left, {}, kGlance).count()));
    if (found > 0) return waited.revents;
    if (found < 0 && errno != EINTR) {
      throw SshFailure("waiting for the server: " + std::generic_category().message(errno), true);
    }
    if (found == 0 && left <= kGlance) return 0;
  }
}

}  // namespace garner::destination
