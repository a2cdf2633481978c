#include "maintenance_facts.h"

#include "maintenance_message.h"
#include "run_message.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

using catalog::MaintenanceKind;

constexpr std::int64_t kOldSum = 60;  // seconds

// Numbers are given out in order, so the later run has the greater one.
bool is_later(const v1::Run& a, const v1::Run& b) {
  return parse_run_number(a.run_id()) > parse_run_number(b.run_id());
}

}  // namespace

void MaintenanceFacts::describe(v1::Destination& destination) {
  catalog::Catalog& catalog = destinations_.context().catalog;
  const std::optional<catalog::DestinationFacts> facts =
      catalog.configuration().destination(destination.name());
  if (!facts.has_value()) return;
  v1::MaintenanceStatus& status = *destination.mutable_maintenance();
  *status.mutable_settings() = to_message(catalog.maintenance().settings(facts->name));
  for (const MaintenanceKind kind : {MaintenanceKind::kPrune, MaintenanceKind::kCheck}) {
    const auto number = catalog.maintenance().last_run(facts->name, kind);
    const auto row = number ? catalog.runs().find(*number) : std::nullopt;
    // Earlier versions noted it a moment before it ended.
    if (!row.has_value() || !catalog::is_over(row->state)) continue;
    v1::Run& run =
        *(kind == MaintenanceKind::kPrune ? status.mutable_last_prune() : status.mutable_last_check());
    run = to_message(*row);
    // A thousand lines of them are for `run show`.
    if (run.has_check()) run.mutable_check()->clear_problems();
    if (run.has_prune()) run.mutable_prune()->clear_problems();
  }
  status.set_may_not_prune(destinations_.view(facts->name).may_not_remove);
  scheduler_.describe(*facts, status);
  const catalog::VerifiedSum sum =
      sum_of(facts->name, static_cast<std::int64_t>(status.settings().check_period_seconds()));
  status.set_packs(sum.packs);
  status.set_bytes(sum.bytes);
  status.set_verified_bytes(sum.verified_bytes);
  status.set_damaged_packs(sum.damaged_packs);
  if (sum.oldest.has_value()) *status.mutable_oldest_unverified() = to_timestamp({*sum.oldest, 0});
  const bool prune_counts = status.has_last_prune() &&
                            (!status.has_last_check() || is_later(status.last_prune(), status.last_check()));
  status.set_damage_found(sum.damaged_packs > 0 || status.last_check().damage_found() ||
                          (prune_counts && status.last_prune().damage_found()));
}

std::optional<std::string> MaintenanceFacts::notice(const v1::Destination& destination) {
  const v1::MaintenanceStatus& status = destination.maintenance();
  if (!status.damage_found()) return std::nullopt;
  std::string notice = "Damage was found at destination " + destination.name();
  if (status.damaged_packs() > 0) {
    notice += " (" + std::to_string(status.damaged_packs()) +
              (status.damaged_packs() == 1 ? " pack of data)" : " packs of data)");
  }
  const v1::Run& run = status.last_check().damage_found()   ? status.last_check()
                       : status.last_prune().damage_found() ? status.last_prune()
                                                            : status.last_check();
  if (!run.run_id().empty() && run.damage_found()) {
    return notice + ": `garner run show " + run.run_id() + "` names what it touches.";
  }
  return notice + ": `garner check --read-data --destination " + destination.name() +
         "` names what it touches.";
}

catalog::VerifiedSum MaintenanceFacts::sum_of(const std::string& destination, std::int64_t period) {
  catalog::VerifiedPackTable& table = destinations_.context().catalog.verified_packs();
  const std::int64_t now = destinations_.context().clock.now().seconds;
  const std::uint64_t changes = table.changes();
  {
    const std::lock_guard lock(mutex_);
    const auto known = sums_.find(destination);
    if (known != sums_.end() && known->second.changes == changes && known->second.period == period &&
        now >= known->second.made && now - known->second.made < kOldSum) {
      return known->second.sum;
    }
  }
  const catalog::VerifiedSum sum = table.sum(destination, now - period);
  const std::lock_guard lock(mutex_);
  sums_[destination] = {changes, now, period, sum};
  return sum;
}

}  // namespace garner::daemon
