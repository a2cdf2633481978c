#include "retention_message.h"

#include "base/bytes.h"
#include "base/error.h"

namespace garner::daemon {

namespace {

constexpr std::uint32_t kMostKept = 100'000;

std::uint32_t checked(std::uint32_t number) {
  if (number > kMostKept)
    throw Error(ErrorKind::kInvalidInput, "a retention keeps at most 100,000 of each kind");
  return number;
}

}  // namespace

maintenance::RetentionPolicy to_policy(const v1::Retention& message) {
  maintenance::RetentionPolicy policy;
  policy.last = checked(message.last());
  policy.hourly = checked(message.hourly());
  policy.daily = checked(message.daily());
  policy.weekly = checked(message.weekly());
  policy.monthly = checked(message.monthly());
  policy.quarterly = checked(message.quarterly());
  policy.yearly = checked(message.yearly());
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

v1::Retention load_retention(catalog::RetentionTable& table, const std::string& set) {
  v1::Retention message;
  const std::optional<Bytes> found = table.find(set);
  if (found && !message.ParseFromArray(found->data(), static_cast<int>(found->size()))) {
    throw Error(ErrorKind::kDamaged, "the catalog's retention of set '" + printable(set) + "'");
  }
  return message;
}

void save_retention(catalog::RetentionTable& table, const std::string& set, const v1::Retention& message) {
  const maintenance::RetentionPolicy policy = to_policy(message);
  if (policy.empty()) {
    table.remove(set);
  } else {
    table.save(set, as_bytes(to_message(policy).SerializeAsString()));
  }
}

}  // namespace garner::daemon
