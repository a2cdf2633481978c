#include "check_rotation.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "maintenance_message.h"

namespace garner::daemon {

namespace {

// Packs are noted when there are so many, or after so long: each time costs a sync.
constexpr std::size_t kMostUnwritten = 64;
constexpr std::chrono::seconds kWriteInterval{2};

}  // namespace

std::vector<store::ObjectName> CheckRotation::choose(const std::vector<maintenance::PackSize>& there,
                                                     TimePoint queued) {
  catalog::VerifiedPackTable& table = catalog_.verified_packs();
  table.keep(destination_, there, clock_.now().seconds);
  const catalog::MaintenanceSettings settings = catalog_.maintenance().settings(destination_);
  maintenance::Rotation rotation;
  rotation.now = queued.seconds;
  rotation.period = std::chrono::floor<std::chrono::seconds>(settings.check_period).count();
  for (const schedule::Instant time : later_checks(settings, schedule::to_instant(queued)))
    rotation.later_runs.push_back(schedule::to_time_point(time).seconds);
  std::vector<maintenance::PackToVerify> packs;
  for (const catalog::VerifiedPack& pack : table.packs(destination_)) {
    if (pack.verified.has_value() && *pack.verified >= queued.seconds && !pack.damaged) {
      rotation.read_before += pack.size;
      continue;
    }
    packs.push_back({{pack.name, pack.size}, pack.verified.value_or(pack.first_seen), pack.damaged});
  }
  return maintenance::choose_for_rotation(std::move(packs), rotation);
}

void CheckRotation::read_whole(const maintenance::PackSize& pack, bool sound) {
  const std::lock_guard lock(mutex_);
  unwritten_.push_back({pack, sound});
  if (unwritten_.size() >= kMostUnwritten || clock_.steady() - written_ >= kWriteInterval) write_locked();
}

void CheckRotation::write() {
  const std::lock_guard lock(mutex_);
  write_locked();
}

void CheckRotation::write_locked() {
  try {
    catalog_.verified_packs().note(destination_, unwritten_, clock_.now().seconds);
  } catch (const Error& error) {
    spdlog::warn("destination {}: noting what was verified: {}", destination_, error.what());
  }
  unwritten_.clear();
  written_ = clock_.steady();
}

}  // namespace garner::daemon
