#include <algorithm>

#include "base/bytes.h"
#include "base/file.h"
#include "catalog/command_table.h"
#include "conditions.h"
#include "config_key_rows.h"
#include "maintenance/retention.h"
#include "retention_message.h"
#include "schedule/window.h"
#include "source/rules.h"

namespace garner::daemon {

namespace {

using SetRequest = v1::AddSetRequest;
using Value = std::optional<ConfigValue>;

constexpr const char* kBothWays = "both-ways";

using Retention = v1::Retention;

// "N" or "DEST=N".
std::pair<std::string, std::string> split_destination(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == std::string::npos) return {"", text};
  return {text.substr(0, sign), text.substr(sign + 1)};
}

std::uint32_t parse_kept(const std::string& text) {
  const bool digits =
      !text.empty() && text.size() <= 6 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stol(text) > kMostKept) refuse("a number from 0 to 100,000 is expected");
  return static_cast<std::uint32_t>(std::stoul(text));
}

// The rules of the destination, or of the set where that is empty.
Retention& rules_for(SetRequest& request, const std::string& destination) {
  if (destination.empty()) return *request.mutable_retention();
  for (v1::DestinationRetention& one : *request.mutable_destination_retentions()) {
    if (one.destination() == destination) return *one.mutable_retention();
  }
  v1::DestinationRetention& added = *request.add_destination_retentions();
  added.set_destination(destination);
  return *added.mutable_retention();
}

// A rule of the set, and those of single destinations as DEST=RULE.
Texts kept_rules(const SetRequest& request, const std::function<std::string(const Retention&)>& rule_of) {
  Texts texts;
  const std::string own = rule_of(request.retention());
  if (!own.empty()) texts.push_back(own);
  for (const v1::DestinationRetention& one : request.destination_retentions()) {
    const std::string rule = rule_of(one.retention());
    if (!rule.empty()) texts.push_back(one.destination() + "=" + rule);
  }
  std::sort(texts.begin() + (own.empty() ? 0 : 1), texts.end());
  return texts;
}

ConfigKey<SetRequest> count(const char* name, std::uint32_t (Retention::*get)() const,
                            void (Retention::*set)(std::uint32_t)) {
  return {name, ConfigKind::kCounts,
          [get](const SetRequest& request) -> Value {
            const Texts texts = kept_rules(request, [get](const Retention& rules) {
              const std::uint32_t number = (rules.*get)();
              return number > 0 ? std::to_string(number) : std::string();
            });
            const std::uint32_t own = (request.retention().*get)();
            if (texts.size() == 1 && own > 0) return std::int64_t{own};
            return unless_empty(texts);
          },
          [set](SetRequest& request, const ConfigValue& value) {
            for (const std::string& text : texts_of(value)) {
              const auto [destination, number] = split_destination(text);
              (rules_for(request, destination).*set)(parse_kept(number));
            }
          },
          [](const std::string& text) { parse_kept(split_destination(text).second); }};
}

ConfigKey<SetRequest> duration(const char* name, std::uint64_t (*get)(const v1::ScheduleChange&),
                               void (v1::ScheduleChange::*set)(std::uint64_t)) {
  return {name, ConfigKind::kText,
          [get](const SetRequest& request) -> Value {
            const std::uint64_t seconds = get(request.schedule());
            return seconds > 0 ? Value(duration_text(seconds)) : std::nullopt;
          },
          [set](SetRequest& request, const ConfigValue& value) {
            (request.mutable_schedule()->*set)(parse_seconds(text_of(value)));
          }};
}

using Commands = v1::CommandChange;
ConfigKey<SetRequest> hook(const char* name, const std::string& (Commands::*get)() const,
                           std::string* (Commands::*mutable_text)()) {
  return {name, ConfigKind::kText,
          [get](const SetRequest& request) { return unless_empty((request.commands().*get)()); },
          [mutable_text](SetRequest& request, const ConfigValue& value) {
            *(request.mutable_commands()->*mutable_text)() = text_of(value);
          }};
}

ConfigKey<SetRequest> time_limit(const char* name, std::uint64_t (*get)(const Commands&),
                                 void (*put)(Commands&, std::uint64_t), std::chrono::seconds usual) {
  const auto usual_seconds = static_cast<std::uint64_t>(usual.count());
  return {name, ConfigKind::kText,
          [get, usual_seconds](const SetRequest& request) -> Value {
            const std::uint64_t seconds = get(request.commands());
            if (seconds == 0 || seconds == usual_seconds) return std::nullopt;
            return duration_text(seconds);
          },
          [put](SetRequest& request, const ConfigValue& value) {
            put(*request.mutable_commands(), parse_seconds(text_of(value)));
          }};
}

// Of the commands whose output is backed up: one list of commands, and one of their names.
ConfigKey<SetRequest> command_part(const char* name, bool command) {
  return {name, ConfigKind::kTexts,
          [command](const SetRequest& request) {
            Texts texts;
            for (const v1::CommandSource& source : request.commands().sources())
              texts.push_back(command ? source.command() : source.name());
            return unless_empty(texts);
          },
          [command](SetRequest& request, const ConfigValue& value) {
            auto& sources = *request.mutable_commands()->mutable_sources();
            int i = 0;
            for (const std::string& text : texts_of(value)) {
              v1::CommandSource& source = i < sources.size() ? *sources.Mutable(i) : *sources.Add();
              command ? source.set_command(text) : source.set_name(text);
              ++i;
            }
          },
          [](const std::string& text) {
            if (text.empty()) refuse("this is empty");
          }};
}

// ---- Values with a form of their own ----

v1::ScheduleEntry schedule_entry(const std::string& text) {
  v1::ScheduleEntry entry;
  const std::size_t sign = text.find('=');
  if (sign != std::string::npos) entry.set_destination(text.substr(0, sign));
  entry.set_schedule(sign == std::string::npos ? text : text.substr(sign + 1));
  return entry;
}

void check_schedule(const std::string& text) {
  const schedule::Instant now = schedule::to_instant(system_clock().now());
  schedule::Schedule::parse(schedule_entry(text).schedule(), schedule::Zone::of_system(), now);
}

void put_sources(SetRequest& request, const ConfigValue& value) {
  request.clear_sources();
  for (const std::string& text : texts_of(value)) {
    const std::string path = from_printable(text);
    request.add_sources(path.starts_with('/') ? normal_path(path) : path);
  }
}

void check_source(const std::string& text) {
  if (!from_printable(text).starts_with('/')) refuse("a source is to begin with '/'");
}

}  // namespace

const std::vector<ConfigKey<SetRequest>>& set_keys() {
  using Change = v1::ScheduleChange;
  static const std::vector<ConfigKey<SetRequest>> keys = {
      {"source", ConfigKind::kTexts,
       [](const SetRequest& request) {
         Texts texts;
         for (const std::string& source : request.sources()) texts.push_back(printable(source));
         return unless_empty(std::move(texts));
       },
       put_sources, check_source},
      command_part("command", /*command=*/true),
      command_part("as", /*command=*/false),
      time_limit(
          "command-timeout",
          [](const Commands& commands) { return std::uint64_t{commands.command_timeout_seconds()}; },
          [](Commands& commands, std::uint64_t seconds) { commands.set_command_timeout_seconds(seconds); },
          catalog::kDefaultSourceLimit),
      {"destination",
       ConfigKind::kTexts,
       [](const SetRequest& request) { return unless_empty(list_of(request.destinations())); },
       [](SetRequest& request, const ConfigValue& value) {
         request.clear_destinations();
         for (const std::string& name : texts_of(value)) request.add_destinations(name);
       },
       {},
       /*required=*/true},
      {"supply-from", ConfigKind::kText,
       [](const SetRequest& request) { return unless_empty(request.supply().from()); },
       [](SetRequest& request, const ConfigValue& value) {
         request.mutable_supply()->set_from(text_of(value));
       }},
      {"supply", ConfigKind::kText,
       [](const SetRequest& request) {
         return unless_empty(std::string(request.supply().both_ways() ? kBothWays : ""));
       },
       [](SetRequest& request, const ConfigValue&) { request.mutable_supply()->set_both_ways(true); },
       [](const std::string& text) {
         if (text != kBothWays) refuse("this can be \"both-ways\"; for one of them: supply-from = \"DEST\"");
       }},
      flag("one-file-system", &SetRequest::one_file_system, &SetRequest::set_one_file_system),
      flag("exclude-caches", &SetRequest::exclude_caches, &SetRequest::set_exclude_caches),
      {"rule", ConfigKind::kTexts,
       [](const SetRequest& request) {
         Texts texts;
         for (const std::string& rule : request.rules()) texts.push_back(source::rule_text(rule));
         return unless_empty(std::move(texts));
       },
       [](SetRequest& request, const ConfigValue& value) {
         request.clear_rules();
         for (const std::string& rule : texts_of(value)) request.add_rules(source::rule_from_text(rule));
       }},
      {"schedule", ConfigKind::kTexts,
       [](const SetRequest& request) {
         Texts texts;
         for (const v1::ScheduleEntry& entry : request.schedule().schedules()) {
           texts.push_back((entry.destination().empty() ? "" : entry.destination() + "=") + entry.schedule());
         }
         return unless_empty(std::move(texts));
       },
       [](SetRequest& request, const ConfigValue& value) {
         std::vector<v1::ScheduleEntry> entries;
         for (const std::string& text : texts_of(value)) entries.push_back(schedule_entry(text));
         // As they are kept.
         std::stable_sort(entries.begin(), entries.end(),
                          [](const auto& a, const auto& b) { return a.destination() < b.destination(); });
         for (const v1::ScheduleEntry& entry : entries) *request.mutable_schedule()->add_schedules() = entry;
       },
       check_schedule},
      {"timezone", ConfigKind::kText,
       [](const SetRequest& request) { return unless_empty(request.schedule().timezone()); },
       [](SetRequest& request, const ConfigValue& value) {
         request.mutable_schedule()->set_timezone(text_of(value) == "system" ? "" : text_of(value));
       },
       [](const std::string& text) {
         if (text != "system") schedule::Zone::named(text);
       }},
      duration(
          "random-delay", [](const Change& change) { return std::uint64_t{change.random_delay_seconds()}; },
          &Change::set_random_delay_seconds),
      {"window", ConfigKind::kTexts,
       [](const SetRequest& request) { return unless_empty(list_of(request.schedule().windows())); },
       [](SetRequest& request, const ConfigValue& value) {
         for (const std::string& text : texts_of(value)) request.mutable_schedule()->add_windows(text);
       },
       [](const std::string& text) { schedule::parse_window(text); }},
      {"when", ConfigKind::kTexts,
       [](const SetRequest& request) { return unless_empty(list_of(request.schedule().conditions())); },
       [](SetRequest& request, const ConfigValue& value) {
         for (const std::string& text : texts_of(value)) request.mutable_schedule()->add_conditions(text);
       },
       check_condition},
      duration(
          "overdue-after", [](const Change& change) { return std::uint64_t{change.overdue_after_seconds()}; },
          &Change::set_overdue_after_seconds),
      hook("before", &Commands::before, &Commands::mutable_before),
      hook("after", &Commands::after, &Commands::mutable_after),
      hook("on-failure", &Commands::on_failure, &Commands::mutable_on_failure),
      time_limit(
          "hook-timeout",
          [](const Commands& commands) { return std::uint64_t{commands.hook_timeout_seconds()}; },
          [](Commands& commands, std::uint64_t seconds) { commands.set_hook_timeout_seconds(seconds); },
          catalog::kDefaultHookLimit),
      count("keep-last", &Retention::last, &Retention::set_last),
      count("keep-hourly", &Retention::hourly, &Retention::set_hourly),
      count("keep-daily", &Retention::daily, &Retention::set_daily),
      count("keep-weekly", &Retention::weekly, &Retention::set_weekly),
      count("keep-monthly", &Retention::monthly, &Retention::set_monthly),
      count("keep-quarterly", &Retention::quarterly, &Retention::set_quarterly),
      count("keep-yearly", &Retention::yearly, &Retention::set_yearly),
      {"keep-within", ConfigKind::kTexts,
       [](const SetRequest& request) {
         return unless_empty(kept_rules(request, [](const Retention& rules) { return rules.within(); }));
       },
       [](SetRequest& request, const ConfigValue& value) {
         for (const std::string& text : texts_of(value)) {
           const auto [destination, span] = split_destination(text);
           rules_for(request, destination)
               .set_within(span == "0" ? "" : maintenance::to_text(maintenance::parse_span(span)));
         }
       },
       [](const std::string& text) {
         const std::string span = split_destination(text).second;
         if (span != "0") maintenance::parse_span(span);
       }},
  };
  return keys;
}

}  // namespace garner::daemon
