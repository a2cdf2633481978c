#include "log_ring.h"

#include <algorithm>
#include <chrono>

namespace garner::daemon {

namespace {

constexpr std::size_t kKeptLines = 2000;

TimePoint to_time_point(spdlog::log_clock::time_point time) {
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return shifted(TimePoint{}, nanoseconds);
}

}  // namespace

std::uint64_t LogRing::read(std::size_t count, std::vector<LoggedLine>& lines, Subscriber subscriber) {
  const std::lock_guard lock(mutex_);
  const std::size_t kept = std::min(count, lines_.size());
  lines.assign(lines_.end() - static_cast<std::ptrdiff_t>(kept), lines_.end());
  if (!subscriber) return 0;
  subscribers_.emplace(next_id_, std::move(subscriber));
  return next_id_++;
}

void LogRing::unsubscribe(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  subscribers_.erase(id);
}

void LogRing::sink_it_(const spdlog::details::log_msg& message) {
  const spdlog::string_view_t level = spdlog::level::to_string_view(message.level);
  LoggedLine line{to_time_point(message.time), std::string(level.data(), level.size()),
                  std::string(message.payload.data(), message.payload.size())};
  for (const auto& [id, subscriber] : subscribers_) subscriber(line);
  if (lines_.size() == kKeptLines) lines_.pop_front();
  lines_.push_back(std::move(line));
}

}  // namespace garner::daemon
