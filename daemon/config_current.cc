#include "config_current.h"

#include <algorithm>

#include "maintenance_message.h"

namespace garner::daemon {

namespace {

template <typename Repeated>
bool same(const Repeated& a, const Repeated& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    if constexpr (std::is_same_v<std::decay_t<decltype(x)>, std::string>) {
      return x == y;
    } else {
      return x.SerializeAsString() == y.SerializeAsString();
    }
  });
}

v1::ScheduleChange change_between(const v1::ScheduleChange& now, const v1::ScheduleChange& wanted) {
  v1::ScheduleChange change;
  if (!same(now.schedules(), wanted.schedules())) {
    *change.mutable_schedules() = wanted.schedules();
    change.set_no_schedules(wanted.schedules().empty());
  }
  if (now.timezone() != wanted.timezone()) change.set_timezone(wanted.timezone());
  if (now.random_delay_seconds() != wanted.random_delay_seconds())
    change.set_random_delay_seconds(wanted.random_delay_seconds());
  if (!same(now.windows(), wanted.windows())) {
    *change.mutable_windows() = wanted.windows();
    change.set_no_windows(wanted.windows().empty());
  }
  if (!same(now.conditions(), wanted.conditions())) {
    *change.mutable_conditions() = wanted.conditions();
    change.set_no_conditions(wanted.conditions().empty());
  }
  if (now.overdue_after_seconds() != wanted.overdue_after_seconds())
    change.set_overdue_after_seconds(wanted.overdue_after_seconds());
  return change;
}

v1::RetentionEdit whole_edit(const v1::Retention& wanted) {
  v1::RetentionEdit edit;
  edit.set_last(wanted.last());
  edit.set_hourly(wanted.hourly());
  edit.set_daily(wanted.daily());
  edit.set_weekly(wanted.weekly());
  edit.set_monthly(wanted.monthly());
  edit.set_quarterly(wanted.quarterly());
  edit.set_yearly(wanted.yearly());
  edit.set_within(wanted.within());
  return edit;
}

// With what stands where nothing is said.
v1::Maintenance whole(const v1::MaintenanceChange& change) {
  v1::Maintenance message = to_message(catalog::MaintenanceSettings());
  if (change.has_prune_schedule()) message.set_prune_schedule(change.prune_schedule());
  if (change.has_check_schedule()) message.set_check_schedule(change.check_schedule());
  if (change.has_check_period_seconds()) message.set_check_period_seconds(change.check_period_seconds());
  return message;
}

}  // namespace

v1::AddSetRequest request_for(const v1::BackupSet& message) {
  v1::AddSetRequest request;
  request.set_name(message.name());
  *request.mutable_sources() = message.source_paths();
  *request.mutable_destinations() = message.destinations();
  request.set_one_file_system(message.one_file_system());
  request.set_exclude_caches(message.exclude_caches());
  v1::ScheduleChange& schedule = *request.mutable_schedule();
  *schedule.mutable_schedules() = message.schedule().schedules();
  schedule.set_timezone(message.schedule().timezone());
  schedule.set_random_delay_seconds(message.schedule().random_delay_seconds());
  *schedule.mutable_windows() = message.schedule().windows();
  *schedule.mutable_conditions() = message.schedule().conditions();
  schedule.set_overdue_after_seconds(message.schedule().overdue_after_seconds());
  *request.mutable_retention() = message.retention();
  return request;
}

v1::AddDestinationRequest request_for(catalog::Catalog& catalog, const catalog::DestinationFacts& facts) {
  v1::AddDestinationRequest request;
  request.set_name(facts.name);
  request.set_url(facts.url);
  request.set_no_encryption(!facts.encrypted);
  if (const auto reference = catalog.secrets().find(facts.name)) {
    request.mutable_secret_reference()->set_option(reference->option);
    request.mutable_secret_reference()->set_name(reference->name);
    request.set_share_keyring(reference->share_keyring);
  }
  const v1::Maintenance settings = to_message(catalog.maintenance().settings(facts.name));
  request.mutable_maintenance()->set_prune_schedule(settings.prune_schedule());
  request.mutable_maintenance()->set_check_schedule(settings.check_schedule());
  request.mutable_maintenance()->set_check_period_seconds(settings.check_period_seconds());
  return request;
}

v1::EditSetRequest edit_between(const v1::AddSetRequest& now, const v1::AddSetRequest& wanted) {
  v1::EditSetRequest edit;
  edit.set_name(wanted.name());
  if (!same(now.sources(), wanted.sources())) *edit.mutable_sources() = wanted.sources();
  if (!same(now.destinations(), wanted.destinations())) *edit.mutable_destinations() = wanted.destinations();
  edit.set_one_file_system(wanted.one_file_system());
  edit.set_exclude_caches(wanted.exclude_caches());
  v1::ScheduleChange schedule = change_between(now.schedule(), wanted.schedule());
  if (schedule.ByteSizeLong() > 0) *edit.mutable_schedule() = std::move(schedule);
  if (now.retention().SerializeAsString() != wanted.retention().SerializeAsString())
    *edit.mutable_retention() = whole_edit(wanted.retention());
  return edit;
}

v1::EditDestinationRequest edit_between(const v1::AddDestinationRequest& now,
                                        const v1::AddDestinationRequest& wanted) {
  v1::EditDestinationRequest edit;
  edit.set_name(wanted.name());
  const v1::Maintenance before = whole(now.maintenance());
  const v1::Maintenance after = whole(wanted.maintenance());
  if (before.prune_schedule() != after.prune_schedule())
    edit.mutable_maintenance()->set_prune_schedule(after.prune_schedule());
  if (before.check_schedule() != after.check_schedule())
    edit.mutable_maintenance()->set_check_schedule(after.check_schedule());
  if (before.check_period_seconds() != after.check_period_seconds())
    edit.mutable_maintenance()->set_check_period_seconds(after.check_period_seconds());
  *edit.mutable_secret_reference() = wanted.secret_reference();
  edit.mutable_secret_reference()->set_share_keyring(wanted.share_keyring());
  return edit;
}

}  // namespace garner::daemon
