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

v1::RequestCounts to_message(const destination::RequestSums& sums) {
  v1::RequestCounts message;
  message.set_puts(sums.puts);
  message.set_gets(sums.gets);
  message.set_lists(sums.lists);
  message.set_deletes(sums.deletes);
  message.set_parts(sums.parts);
  message.set_heads(sums.heads);
  message.set_sent_bytes(sums.sent_bytes);
  message.set_received_bytes(sums.received_bytes);
  return message;
}

void add_requests(v1::Run& run, const std::map<std::string, destination::RequestSums>& requests) {
  for (const auto& [destination, sums] : requests) {
    v1::DestinationRequests* found = nullptr;
    for (v1::DestinationRequests& one : *run.mutable_requests()) {
      if (one.destination() == destination) found = &one;
    }
    if (found == nullptr) {
      found = run.add_requests();
      found->set_destination(destination);
    }
    v1::RequestCounts& sum = *found->mutable_requests();
    sum.set_puts(sum.puts() + sums.puts);
    sum.set_gets(sum.gets() + sums.gets);
    sum.set_lists(sum.lists() + sums.lists);
    sum.set_deletes(sum.deletes() + sums.deletes);
    sum.set_parts(sum.parts() + sums.parts);
    sum.set_heads(sum.heads() + sums.heads);
    sum.set_sent_bytes(sum.sent_bytes() + sums.sent_bytes);
    sum.set_received_bytes(sum.received_bytes() + sums.received_bytes);
  }
}

destination::PlaceOptions to_options(const google::protobuf::Map<std::string, std::string>& options) {
  return {options.begin(), options.end()};
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
