#include "retention_message.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::daemon {

namespace {

std::uint32_t checked_count(std::uint32_t number) {
  if (number > kMostKept)
    throw Error(ErrorKind::kInvalidInput, "a retention keeps at most 100,000 of each kind");
  return number;
}

void check_retention(const SetRetention& retention, const std::vector<std::string>& destinations) {
  to_policy(retention.own);
  for (const auto& [destination, rules] : retention.of_destinations) {
    to_policy(rules);
    if (destinations.empty() ||
        std::find(destinations.begin(), destinations.end(), destination) != destinations.end())
      continue;
    throw Error(ErrorKind::kInvalidInput, "there are rules of what to keep at '" + printable(destination) +
                                              "', which is no destination of the set (0 takes a rule away)");
  }
}

}  // namespace

maintenance::RetentionPolicy to_policy(const v1::Retention& message) {
  maintenance::RetentionPolicy policy;
  policy.last = checked_count(message.last());
  policy.hourly = checked_count(message.hourly());
  policy.daily = checked_count(message.daily());
  policy.weekly = checked_count(message.weekly());
  policy.monthly = checked_count(message.monthly());
  policy.quarterly = checked_count(message.quarterly());
  policy.yearly = checked_count(message.yearly());
  if (!message.within().empty()) policy.within = maintenance::parse_span(message.within());
  return policy;
}

v1::Retention to_message(const maintenance::RetentionPolicy& policy) {
  v1::Retention message;
  message.set_last(policy.last);
  message.set_hourly(policy.hourly);
  message.set_daily(policy.daily);
  message.set_weekly(policy.weekly);
  message.set_monthly(policy.monthly);
  message.set_quarterly(policy.quarterly);
  message.set_yearly(policy.yearly);
  message.set_within(maintenance::to_text(policy.within));
  return message;
}

v1::Retention edited(v1::Retention message, const v1::RetentionEdit& edit) {
  if (edit.has_last()) message.set_last(edit.last());
  if (edit.has_hourly()) message.set_hourly(edit.hourly());
  if (edit.has_daily()) message.set_daily(edit.daily());
  if (edit.has_weekly()) message.set_weekly(edit.weekly());
  if (edit.has_monthly()) message.set_monthly(edit.monthly());
  if (edit.has_quarterly()) message.set_quarterly(edit.quarterly());
  if (edit.has_yearly()) message.set_yearly(edit.yearly());
  if (edit.has_within()) message.set_within(edit.within());
  return message;
}

const v1::Retention& SetRetention::at(const std::string& destination) const {
  const auto found = of_destinations.find(destination);
  return found == of_destinations.end() ? own : found->second;
}

bool SetRetention::empty() const { return to_policy(own).empty() && of_destinations.empty(); }

SetRetention make_retention(const v1::Retention& own, const DestinationRetentions& others,
                            const std::vector<std::string>& destinations) {
  SetRetention retention;
  retention.own = own;
  std::set<std::string> named;
  for (const v1::DestinationRetention& other : others) {
    if (!named.insert(other.destination()).second) {
      throw Error(ErrorKind::kInvalidInput,
                  "two retentions for destination '" + printable(other.destination()) + "'");
    }
    if (!to_policy(other.retention()).empty())
      retention.of_destinations[other.destination()] = other.retention();
  }
  check_retention(retention, destinations);
  return retention;
}

SetRetention edited(SetRetention retention, const v1::RetentionEdit& own,
                    const DestinationRetentionEdits& others, const std::vector<std::string>& destinations) {
  retention.own = edited(std::move(retention.own), own);
  for (const v1::DestinationRetentionEdit& other : others) {
    v1::Retention& rules = retention.of_destinations[other.destination()];
    rules = edited(std::move(rules), other.retention());
    if (to_policy(rules).empty()) retention.of_destinations.erase(other.destination());
  }
  check_retention(retention, destinations);
  return retention;
}

void add_to(DestinationRetentions& message, const SetRetention& retention) {
  for (const auto& [destination, rules] : retention.of_destinations) {
    v1::DestinationRetention& added = *message.Add();
    added.set_destination(destination);
    *added.mutable_retention() = rules;
  }
}

SetRetention load_retention(catalog::RetentionTable& table, const std::string& set) {
  const catalog::SetRetention found = table.find(set);
  SetRetention retention;
  const auto parse = [&](const Bytes& policy, v1::Retention& message) {
    if (message.ParseFromArray(policy.data(), static_cast<int>(policy.size()))) return;
    throw Error(ErrorKind::kDamaged, "the catalog's retention of set '" + printable(set) + "'");
  };
  if (found.policy) parse(*found.policy, retention.own);
  for (const auto& [destination, policy] : found.of_destinations)
    parse(policy, retention.of_destinations[destination]);
  return retention;
}

std::map<std::string, std::string> zones_of_sets(catalog::Catalog& catalog) {
  std::map<std::string, std::string> zones;
  for (const catalog::BackupSet& set : catalog.configuration().sets()) {
    const auto schedule = catalog.schedules().find(set.definition.name());
    if (schedule && !schedule->zone.empty()) zones[set.definition.uuid()] = schedule->zone;
  }
  return zones;
}

catalog::SetRetention to_catalog(const SetRetention& retention) {
  const auto encode = [](const v1::Retention& message) {
    const std::string text = to_message(to_policy(message)).SerializeAsString();
    return Bytes(text.begin(), text.end());
  };
  catalog::SetRetention kept;
  if (!to_policy(retention.own).empty()) kept.policy = encode(retention.own);
  for (const auto& [destination, rules] : retention.of_destinations)
    kept.of_destinations[destination] = encode(rules);
  return kept;
}

}  // namespace garner::daemon
