#include "peers.h"

#include <charconv>
#include <string_view>

namespace garner::daemon {

void PeerTable::set(int descriptor, const Peer& peer) {
  const std::lock_guard lock(mutex_);
  peers_[descriptor] = peer;
}

std::optional<Peer> PeerTable::find(const std::string& name) const {
  constexpr std::string_view kPrefix = "fd:";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int descriptor = -1;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + kPrefix.size(), end, descriptor);
  if (error != std::errc{} || rest != end) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(descriptor);
  if (found == peers_.end()) return std::nullopt;
  return found->second;
}

}  // namespace garner::daemon
