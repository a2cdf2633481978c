#include "destination_settings.h"

#include <spdlog/spdlog.h>

#include "base/error.h"
#include "schedule/rate_plan.h"

namespace garner::daemon {

namespace {

constexpr int kMostLimits = 100;

using Texts = google::protobuf::RepeatedPtrField<std::string>;

std::vector<std::string> checked_limits(const Texts& texts) {
  if (texts.size() > kMostLimits)
    throw Error(ErrorKind::kInvalidInput, "more than 100 limits for one destination");
  std::vector<std::string> limits(texts.begin(), texts.end());
  const schedule::RatePlan plan(limits, schedule::Zone::utc());
  // A rule without a window that limits nothing says nothing.
  std::erase_if(limits, [](const std::string& text) {
    const schedule::RateRule rule = schedule::parse_rate_rule(text);
    return !rule.window && !rule.bytes_per_second;
  });
  return limits;
}

RateLimiter::Plan plan_of(const std::vector<std::string>& limits) {
  if (limits.empty()) return {};
  return [plan = schedule::RatePlan(limits, schedule::Zone::of_system())](TimePoint now) {
    const schedule::RatePlan::Current current = plan.at(schedule::to_instant(now));
    RateNow rate{current.bytes_per_second, std::nullopt};
    if (current.until) rate.until = schedule::to_time_point(*current.until);
    return rate;
  };
}

}  // namespace

catalog::DestinationSettings edited(catalog::DestinationSettings settings,
                                    const v1::DestinationSettingsChange& change) {
  if (!change.upload_limits().empty()) settings.upload_limits = checked_limits(change.upload_limits());
  if (!change.download_limits().empty()) settings.download_limits = checked_limits(change.download_limits());
  if (change.default_max_unused()) settings.max_unused.reset();
  if (change.has_max_unused_percent()) {
    check_percent(change.max_unused_percent());
    settings.max_unused = change.max_unused_percent();
  }
  if (change.default_max_rewrite()) settings.max_rewrite.reset();
  if (change.has_max_rewrite_bytes()) {
    check_rewrite(change.max_rewrite_bytes());
    settings.max_rewrite = change.max_rewrite_bytes();
  }
  return settings;
}

v1::DestinationSettings to_message(const catalog::DestinationSettings& settings) {
  v1::DestinationSettings message;
  for (const std::string& limit : settings.upload_limits) message.add_upload_limits(limit);
  for (const std::string& limit : settings.download_limits) message.add_download_limits(limit);
  if (settings.max_unused) message.set_max_unused_percent(*settings.max_unused);
  if (settings.max_rewrite) message.set_max_rewrite_bytes(*settings.max_rewrite);
  return message;
}

void check_percent(double percent) {
  // Written so that a NaN fails as well.
  if (!(percent >= 0 && percent <= 100))
    throw Error(ErrorKind::kInvalidInput, "the unused share of a pack is a percentage from 0 to 100");
}

void check_rewrite(std::uint64_t bytes) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 53;
  if (bytes > kMost) throw Error(ErrorKind::kInvalidInput, "a prune rewrites at most 8 PiB");
}

void apply_limits(const catalog::DestinationSettings& settings, destination::Limits& limits) {
  const auto apply = [](const std::vector<std::string>& texts, RateLimiter& limiter) {
    try {
      limiter.set_plan(plan_of(texts));
    } catch (const Error& error) {
      spdlog::error("a limit that is configured does not hold: {}", error.what());
    }
  };
  apply(settings.upload_limits, limits.upload);
  apply(settings.download_limits, limits.download);
}

}  // namespace garner::daemon
