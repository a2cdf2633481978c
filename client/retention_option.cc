#include "retention_option.h"

#include <algorithm>
#include <array>

#include "argument.h"
#include "failure.h"

namespace garner::client {
namespace {

struct Rule {
  const char* option;
  const char* value;
  const char* help;
  std::vector<std::string> RetentionArguments::*given;
  void (v1::RetentionEdit::*set)(std::uint32_t);  // nothing for --keep-within
  bool (v1::RetentionEdit::*has)() const;
};

constexpr std::array kRules{
    Rule{"--keep-last", "N", "Keep the N newest.", &RetentionArguments::last, &v1::RetentionEdit::set_last,
         &v1::RetentionEdit::has_last},
    Rule{"--keep-hourly", "N", "Keep the newest of each of the N latest hours.", &RetentionArguments::hourly,
         &v1::RetentionEdit::set_hourly, &v1::RetentionEdit::has_hourly},
    Rule{"--keep-daily", "N", "The same of days.", &RetentionArguments::daily, &v1::RetentionEdit::set_daily,
         &v1::RetentionEdit::has_daily},
    Rule{"--keep-weekly", "N", "The same of weeks, which begin on Monday.", &RetentionArguments::weekly,
         &v1::RetentionEdit::set_weekly, &v1::RetentionEdit::has_weekly},
    Rule{"--keep-monthly", "N", "The same of months.", &RetentionArguments::monthly,
         &v1::RetentionEdit::set_monthly, &v1::RetentionEdit::has_monthly},
    Rule{"--keep-quarterly", "N", "The same of quarters of a year.", &RetentionArguments::quarterly,
         &v1::RetentionEdit::set_quarterly, &v1::RetentionEdit::has_quarterly},
    Rule{"--keep-yearly", "N", "The same of years.", &RetentionArguments::yearly,
         &v1::RetentionEdit::set_yearly, &v1::RetentionEdit::has_yearly},
    Rule{"--keep-within", "DURATION",
         "Keep all that are no older than the newest by more than this: 1y6m, 2w, 30d, 36h.",
         &RetentionArguments::within, nullptr, &v1::RetentionEdit::has_within}};

void set(const Rule& rule, const std::string& text, v1::RetentionEdit& edit) {
  if ((edit.*rule.has)())
    throw usage_failure(std::string(rule.option) + " is given twice for the same: once is enough");
  if (rule.set != nullptr) {
    (edit.*rule.set)(parse_count(rule.option, text));
    return;
  }
  check_duration(rule.option, text);
  edit.set_within(text == "0" ? "" : text);
}

}  // namespace

bool RetentionArguments::any() const {
  return std::any_of(kRules.begin(), kRules.end(),
                     [this](const Rule& rule) { return !(this->*rule.given).empty(); });
}

void add_retention_options(RetentionArguments& given, std::vector<Option>& options) {
  for (const Rule& rule : kRules)
    options.push_back({rule.option, rule.value, rule.help, &(given.*rule.given), false, {}, true});
}

RetentionEdits to_edits(const RetentionArguments& given) {
  RetentionEdits edits;
  for (const Rule& rule : kRules) {
    for (const std::string& text : given.*rule.given) {
      const std::size_t sign = text.find('=');
      if (sign == std::string::npos) {
        if (!edits.own) edits.own.emplace();
        set(rule, text, *edits.own);
        continue;
      }
      const std::string destination = text.substr(0, sign);
      check_name("destination", destination);
      set(rule, text.substr(sign + 1), edits.of_destinations[destination]);
    }
  }
  return edits;
}

v1::Retention to_retention(const v1::RetentionEdit& edit) {
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
