#include "peers.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <string_view>

#include "base/number.h"

namespace garner::daemon {

namespace {

// 0 where the descriptor is none, or of something else.
ino_t socket_of(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) return 0;
  return status.st_ino;
}

std::optional<int> descriptor_of(const std::string& name) {
  constexpr std::string_view kPrefix = "fd:";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return parse_number<int>(std::string_view(name).substr(kPrefix.size()));
}

}  // namespace

void PeerTable::set(int descriptor, const Peer& peer) {
  const std::lock_guard lock(mutex_);
  entries_[descriptor] = {peer, socket_of(descriptor)};
}

std::optional<Peer> PeerTable::find(const std::string& name) const {
  const std::optional<int> descriptor = descriptor_of(name);
  if (!descriptor) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(*descriptor);
  if (found == entries_.end()) return std::nullopt;
  return found->second.peer;
}

bool PeerTable::hang_up(const std::string& name) const {
  const std::optional<int> descriptor = descriptor_of(name);
  if (!descriptor) return false;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(*descriptor);
  // gRPC may close it at any moment. Its number comes again late, so that nobody else's is ended.
  return found != entries_.end() && found->second.socket != 0 &&
         found->second.socket == socket_of(*descriptor) && shutdown(*descriptor, SHUT_RDWR) == 0;
}

}  // namespace garner::daemon
