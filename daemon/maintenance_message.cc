#include "maintenance_message.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::daemon {

namespace {

using schedule::Duration;
using schedule::Instant;

constexpr std::uint64_t kLeastPeriod = 3600;                // seconds
constexpr std::uint64_t kMostPeriod = 3650ull * 24 * 3600;  // seconds
constexpr Duration kMostMaintenanceDelay = std::chrono::hours(4);
constexpr int kDelayShare = 10;
// A check a minute for a month. Of schedules with more the rest of the period counts as without any: more is
// read than need be.
constexpr std::size_t kMostTimes = 50'000;

schedule::Schedule parsed(const std::string& text, Instant anchor) {
  return schedule::Schedule::parse(text, schedule::Zone::of_system(), anchor);
}

void take_schedule(std::string& schedule, const std::string& text, Instant now) {
  if (!text.empty() && text != schedule && !parsed(text, now).next(now)) {
    throw Error(ErrorKind::kInvalidInput,
                "'" + printable(text) + "' never comes again: its last time has passed");
  }
  schedule = text;
}

}  // namespace

catalog::MaintenanceSettings edited(const catalog::MaintenanceSettings& old,
                                    const v1::MaintenanceChange& change, Instant now) {
  catalog::MaintenanceSettings result = old;
  if (change.has_prune_schedule()) take_schedule(result.prune, change.prune_schedule(), now);
  if (change.has_check_schedule()) take_schedule(result.check, change.check_schedule(), now);
  if (result.prune != old.prune || result.check != old.check) result.anchor = now;
  if (change.has_check_period_seconds()) {
    if (change.check_period_seconds() < kLeastPeriod || change.check_period_seconds() > kMostPeriod) {
      throw Error(ErrorKind::kInvalidInput, "all data is read once in a period of 1 hour to 10 years");
    }
    result.check_period = std::chrono::seconds(change.check_period_seconds());
  }
  return result;
}

v1::Maintenance to_message(const catalog::MaintenanceSettings& settings) {
  v1::Maintenance message;
  message.set_prune_schedule(settings.prune);
  message.set_check_schedule(settings.check);
  message.set_check_period_seconds(
      static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(settings.check_period).count()));
  return message;
}

schedule::Rules rules_of(const catalog::MaintenanceSettings& settings, catalog::MaintenanceKind kind,
                         const std::string& repository) {
  schedule::Schedule schedule = parsed(settings.schedule(kind), settings.anchor);
  const std::vector<Instant> first = schedule.next(settings.anchor, 2);
  const Duration delay =
      first.size() == 2 ? std::min(kMostMaintenanceDelay, (first[1] - first[0]) / kDelayShare) : Duration(0);
  return {std::move(schedule), schedule::Windows({}, schedule::Zone::of_system()), delay,
          repository + std::to_string(static_cast<int>(kind))};
}

std::vector<Instant> later_checks(const catalog::MaintenanceSettings& settings, Instant now) {
  const schedule::Schedule schedule =
      parsed(settings.check.empty() ? "daily" : settings.check, settings.anchor);
  std::vector<Instant> times;
  for (auto time = schedule.next(now);
       time && *time <= now + settings.check_period && times.size() < kMostTimes;
       time = schedule.next(*time)) {
    times.push_back(*time);
  }
  return times;
}

}  // namespace garner::daemon
