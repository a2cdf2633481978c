#include "config_current.h"

#include <algorithm>
#include <map>
#include <string>
#include <type_traits>

#include "config_keys.h"
#include "destination_settings.h"
#include "maintenance_message.h"
#include "notification_request.h"
#include "run_events.h"

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

v1::CommandChange change_between(const v1::CommandChange& now, const v1::CommandChange& wanted) {
  v1::CommandChange change;
  if (now.before() != wanted.before()) change.set_before(wanted.before());
  if (now.after() != wanted.after()) change.set_after(wanted.after());
  if (now.on_failure() != wanted.on_failure()) change.set_on_failure(wanted.on_failure());
  if (now.hook_timeout_seconds() != wanted.hook_timeout_seconds())
    change.set_hook_timeout_seconds(wanted.hook_timeout_seconds());
  if (!same(now.sources(), wanted.sources())) {
    *change.mutable_sources() = wanted.sources();
    change.set_no_sources(wanted.sources().empty());
  }
  if (now.command_timeout_seconds() != wanted.command_timeout_seconds())
    change.set_command_timeout_seconds(wanted.command_timeout_seconds());
  return change;
}

// Also of destinations that are to have none any more.
void add_edits(const v1::AddSetRequest& now, const v1::AddSetRequest& wanted, v1::EditSetRequest& edit) {
  std::map<std::string, v1::Retention> rules;
  for (const v1::DestinationRetention& one : now.destination_retentions()) rules[one.destination()];
  for (const v1::DestinationRetention& one : wanted.destination_retentions())
    rules[one.destination()] = one.retention();
  for (const auto& [destination, retention] : rules) {
    v1::DestinationRetentionEdit& added = *edit.add_destination_retentions();
    added.set_destination(destination);
    *added.mutable_retention() = whole_edit(retention);
  }
}

// Those that are to go are empty in it.
google::protobuf::Map<std::string, std::string> change_between(
    const google::protobuf::Map<std::string, std::string>& now,
    const google::protobuf::Map<std::string, std::string>& wanted) {
  google::protobuf::Map<std::string, std::string> change;
  for (const auto& [name, value] : now) {
    if (!wanted.contains(name)) change[name] = "";
  }
  for (const auto& [name, value] : wanted) change[name] = value;
  return change;
}

v1::DestinationSettingsChange change_between(const v1::DestinationSettingsChange& now,
                                             const v1::DestinationSettingsChange& wanted) {
  v1::DestinationSettingsChange change;
  if (!same(now.upload_limits(), wanted.upload_limits())) {
    *change.mutable_upload_limits() = wanted.upload_limits();
    if (wanted.upload_limits().empty()) change.add_upload_limits("none");
  }
  if (!same(now.download_limits(), wanted.download_limits())) {
    *change.mutable_download_limits() = wanted.download_limits();
    if (wanted.download_limits().empty()) change.add_download_limits("none");
  }
  if (wanted.has_max_unused_percent()) {
    change.set_max_unused_percent(wanted.max_unused_percent());
  } else {
    change.set_default_max_unused(true);
  }
  if (wanted.has_max_rewrite_bytes()) {
    change.set_max_rewrite_bytes(wanted.max_rewrite_bytes());
  } else {
    change.set_default_max_rewrite(true);
  }
  return change;
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
  *request.mutable_supply() = message.supply();
  request.set_one_file_system(message.one_file_system());
  request.set_exclude_caches(message.exclude_caches());
  *request.mutable_rules() = message.rule_bytes();
  v1::ScheduleChange& schedule = *request.mutable_schedule();
  *schedule.mutable_schedules() = message.schedule().schedules();
  schedule.set_timezone(message.schedule().timezone());
  schedule.set_random_delay_seconds(message.schedule().random_delay_seconds());
  *schedule.mutable_windows() = message.schedule().windows();
  *schedule.mutable_conditions() = message.schedule().conditions();
  schedule.set_overdue_after_seconds(message.schedule().overdue_after_seconds());
  *request.mutable_retention() = message.retention();
  *request.mutable_destination_retentions() = message.destination_retentions();
  v1::CommandChange& commands = *request.mutable_commands();
  if (!message.commands().before().empty()) commands.set_before(message.commands().before());
  if (!message.commands().after().empty()) commands.set_after(message.commands().after());
  if (!message.commands().on_failure().empty()) commands.set_on_failure(message.commands().on_failure());
  commands.set_hook_timeout_seconds(message.commands().hook_timeout_seconds());
  *commands.mutable_sources() = message.commands().sources();
  commands.set_command_timeout_seconds(message.commands().command_timeout_seconds());
  return request;
}

v1::AddDestinationRequest request_for(catalog::Catalog& catalog, const catalog::DestinationFacts& facts) {
  v1::AddDestinationRequest request;
  request.set_name(facts.name);
  request.set_url(facts.url);
  for (const auto& [name, value] : facts.options) (*request.mutable_options())[name] = value;
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
  const v1::DestinationSettings used = to_message(catalog.destination_settings().find(facts.name));
  *request.mutable_settings()->mutable_upload_limits() = used.upload_limits();
  *request.mutable_settings()->mutable_download_limits() = used.download_limits();
  if (used.has_max_unused_percent())
    request.mutable_settings()->set_max_unused_percent(used.max_unused_percent());
  if (used.has_max_rewrite_bytes())
    request.mutable_settings()->set_max_rewrite_bytes(used.max_rewrite_bytes());
  return request;
}

v1::AddNotificationRequest request_for(const catalog::Notification& one) {
  v1::AddNotificationRequest request;
  request.set_name(one.name);
  request.set_kind(static_cast<v1::NotificationKind>(one.kind));
  request.set_target(one.target);
  request.set_headers(one.headers);
  request.set_smtp(one.smtp);
  request.set_from(one.sender);
  request.set_user(one.smtp_user);
  request.set_password(one.password.data(), one.password.size());
  request.set_ca_certificates(one.ca_certificates);
  request.set_plain_smtp(one.plain_smtp);
  for (const catalog::NotificationEvent event : events_in(one.events)) request.add_events(name_of(event));
  for (const std::string& set : one.sets) request.add_sets(set);
  const auto file_of = [](const std::string& file, bool is_held) {
    return file.empty() && is_held ? std::string(kKept) : file;
  };
  const bool web =
      one.kind == catalog::NotificationKind::kWebhook || one.kind == catalog::NotificationKind::kPing;
  v1::NotificationFiles& files = *request.mutable_files();
  files.set_target(file_of(one.files.target, web && holds_secret(one.target)));
  files.set_headers(file_of(one.files.headers, !one.headers.empty()));
  files.set_password(file_of(one.files.password, !one.password.empty()));
  files.set_ca_certificates(file_of(one.files.ca_certificates, !one.ca_certificates.empty()));
  return request;
}

v1::EditSetRequest edit_between(const v1::AddSetRequest& now, const v1::AddSetRequest& wanted) {
  v1::EditSetRequest edit;
  edit.set_name(wanted.name());
  if (!same(now.sources(), wanted.sources())) {
    *edit.mutable_sources() = wanted.sources();
    edit.set_no_sources(wanted.sources().empty());
  }
  if (!same(now.destinations(), wanted.destinations())) *edit.mutable_destinations() = wanted.destinations();
  *edit.mutable_supply() = wanted.supply();
  edit.set_one_file_system(wanted.one_file_system());
  edit.set_exclude_caches(wanted.exclude_caches());
  if (!same(now.rules(), wanted.rules())) {
    *edit.mutable_rules() = wanted.rules();
    edit.set_no_rules(wanted.rules().empty());
  }
  v1::ScheduleChange schedule = change_between(now.schedule(), wanted.schedule());
  if (schedule.ByteSizeLong() > 0) *edit.mutable_schedule() = std::move(schedule);
  if (now.retention().SerializeAsString() != wanted.retention().SerializeAsString())
    *edit.mutable_retention() = whole_edit(wanted.retention());
  add_edits(now, wanted, edit);
  v1::CommandChange commands = change_between(now.commands(), wanted.commands());
  if (commands.ByteSizeLong() > 0) *edit.mutable_commands() = std::move(commands);
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
  *edit.mutable_settings() = change_between(now.settings(), wanted.settings());
  *edit.mutable_options() = change_between(now.options(), wanted.options());
  *edit.mutable_secret_reference() = wanted.secret_reference();
  edit.mutable_secret_reference()->set_share_keyring(wanted.share_keyring());
  return edit;
}

}  // namespace garner::daemon
