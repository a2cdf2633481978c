#include "destination/retry.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/stop_scope.h"

namespace garner::destination {

namespace {

constexpr std::chrono::milliseconds kLongestWait{15'000};

}  // namespace

std::chrono::milliseconds Backoff::next() {
  std::uniform_int_distribution<std::int64_t> part(wait_.count() / 2, wait_.count());
  const std::chrono::milliseconds taken(part(random_));
  wait_ = std::min(wait_ * 2, kLongestWait);
  return taken;
}

bool wait_unless_stopped(std::chrono::milliseconds time) {
  const std::stop_token stop = StopScope::current();
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace garner::destination
