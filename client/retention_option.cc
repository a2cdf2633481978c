#include "retention_option.h"

#include "argument.h"

namespace garner::client {
namespace {

std::uint32_t number(const std::string& option, const std::optional<std::string>& text) {
  return text ? parse_count(option, *text) : 0;
}

}  // namespace

bool RetentionArguments::any() const {
  return last || hourly || daily || weekly || monthly || quarterly || yearly || within;
}

void add_retention_options(RetentionArguments& given, std::vector<Option>& options) {
  options.push_back({"--keep-last", "N", "Keep the N newest.", &given.last, false, {}});
  options.push_back(
      {"--keep-hourly", "N", "Keep the newest of each of the N latest hours.", &given.hourly, false, {}});
  options.push_back({"--keep-daily", "N", "The same of days.", &given.daily, false, {}});
  options.push_back(
      {"--keep-weekly", "N", "The same of weeks, which begin on Monday.", &given.weekly, false, {}});
  options.push_back({"--keep-monthly", "N", "The same of months.", &given.monthly, false, {}});
  options.push_back(
      {"--keep-quarterly", "N", "The same of quarters of a year.", &given.quarterly, false, {}});
  options.push_back({"--keep-yearly", "N", "The same of years.", &given.yearly, false, {}});
  options.push_back({"--keep-within",
                     "DURATION",
                     "Keep all that are no older than the newest by more than this: 1y6m, 2w, 30d, 36h.",
                     &given.within,
                     false,
                     {}});
}

v1::RetentionEdit to_edit(const RetentionArguments& given) {
  v1::RetentionEdit edit;
  if (given.last) edit.set_last(number("--keep-last", given.last));
  if (given.hourly) edit.set_hourly(number("--keep-hourly", given.hourly));
  if (given.daily) edit.set_daily(number("--keep-daily", given.daily));
  if (given.weekly) edit.set_weekly(number("--keep-weekly", given.weekly));
  if (given.monthly) edit.set_monthly(number("--keep-monthly", given.monthly));
  if (given.quarterly) edit.set_quarterly(number("--keep-quarterly", given.quarterly));
  if (given.yearly) edit.set_yearly(number("--keep-yearly", given.yearly));
  if (given.within) {
    check_duration("--keep-within", *given.within);
    edit.set_within(*given.within == "0" ? "" : *given.within);
  }
  return edit;
}

v1::Retention to_retention(const RetentionArguments& given) {
  const v1::RetentionEdit edit = to_edit(given);
  v1::Retention retention;
  retention.set_last(edit.last());
  retention.set_hourly(edit.hourly());
  retention.set_daily(edit.daily());
  retention.set_weekly(edit.weekly());
  retention.set_monthly(edit.monthly());
  retention.set_quarterly(edit.quarterly());
  retention.set_yearly(edit.yearly());
  retention.set_within(edit.within());
  return retention;
}

std::string retention_text(const v1::Retention& retention) {
  std::string text;
  const auto add = [&](const std::string& rule) { text += (text.empty() ? "" : ", ") + rule; };
  const auto add_rule = [&](std::uint32_t count, const char* name) {
    if (count > 0) add(std::to_string(count) + name);
  };
  if (retention.last() > 0) add("last " + std::to_string(retention.last()));
  add_rule(retention.hourly(), " hourly");
  add_rule(retention.daily(), " daily");
  add_rule(retention.weekly(), " weekly");
  add_rule(retention.monthly(), " monthly");
  add_rule(retention.quarterly(), " quarterly");
  add_rule(retention.yearly(), " yearly");
  if (!retention.within().empty()) add("within " + retention.within());
  return text;
}

}  // namespace garner::client
