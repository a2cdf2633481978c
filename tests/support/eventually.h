// Waiting for what another thread or program is about to do.
#pragma once

#include <chrono>
#include <thread>

namespace garner::testing {

// How long. Whoever gets it waits no longer; a machine that others use, too, may stand still for a minute and
// more.
inline constexpr std::chrono::minutes kPatience{10};

// False when it has not come to pass by then.
template <typename Predicate>
bool eventually(const Predicate& predicate) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace garner::testing
