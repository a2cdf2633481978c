#include "log_ring.h"

#include <algorithm>
#include <chrono>

#include "base/log_context.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kKeptLines = 2000;

TimePoint to_time_point(spdlog::log_clock::time_point time) {
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return shifted(TimePoint{}, nanoseconds);
}

}  // namespace

std::uint64_t LogRing::read(std::size_t count, std::int64_t run, std::vector<LoggedLine>& lines,
                            Subscriber subscriber) {
  const std::lock_guard lock(mutex_);
  lines.clear();
  for (auto line = lines_.rbegin(); line != lines_.rend() && lines.size() < count; ++line) {
    if (run == 0 || line->run == run) lines.push_back(*line);
  }
  std::reverse(lines.begin(), lines.end());
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
  const LogContext& context = log_context();
  LoggedLine line{to_time_point(message.time), std::string(level.data(), level.size()),
                  with_run(context, std::string_view(message.payload.data(), message.payload.size())),
                  context.run, context.run != 0 ? context.set : std::string()};
  for (const auto& [id, subscriber] : subscribers_) subscriber(line);
  if (lines_.size() == kKeptLines) lines_.pop_front();
  lines_.push_back(std::move(line));
}

}  // namespace garner::daemon
