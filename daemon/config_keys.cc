#include "config_keys.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/byte_count.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "catalog/command_table.h"
#include "conditions.h"
#include "destination_edit.h"
#include "destination_settings.h"
#include "maintenance/retention.h"
#include "maintenance_message.h"
#include "schedule/rate_plan.h"
#include "schedule/window.h"

namespace garner::daemon {

namespace {

using Destination = v1::AddDestinationRequest;
using Set = v1::AddSetRequest;
using Texts = std::vector<std::string>;
using Value = std::optional<ConfigValue>;

constexpr const char* kNever = "never";
constexpr std::int64_t kMostKept = 100'000;

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kInvalidInput, message); }

const std::string& text_of(const ConfigValue& value) { return std::get<std::string>(value); }
const Texts& texts_of(const ConfigValue& value) { return std::get<Texts>(value); }

Value unless_empty(std::string text) {
  if (text.empty()) return std::nullopt;
  return text;
}
Value unless_empty(Texts texts) {
  if (texts.empty()) return std::nullopt;
  return texts;
}
Value unless_false(bool flag) { return flag ? Value(true) : std::nullopt; }

template <typename Repeated>
Texts list_of(const Repeated& texts) {
  return {texts.begin(), texts.end()};
}

// ---- Rows that are alike ----

template <typename Request>
ConfigKey<Request> flag(const char* name, bool (Request::*get)() const, void (Request::*set)(bool)) {
  return {name, ConfigKind::kFlag, [get](const Request& request) { return unless_false((request.*get)()); },
          [set](Request& request, const ConfigValue& value) { (request.*set)(std::get<bool>(value)); }};
}

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
Retention& rules_for(Set& request, const std::string& destination) {
  if (destination.empty()) return *request.mutable_retention();
  for (v1::DestinationRetention& one : *request.mutable_destination_retentions()) {
    if (one.destination() == destination) return *one.mutable_retention();
  }
  v1::DestinationRetention& added = *request.add_destination_retentions();
  added.set_destination(destination);
  return *added.mutable_retention();
}

// A rule of the set, and those of single destinations as DEST=RULE.
Texts rules_of(const Set& request, const std::function<std::string(const Retention&)>& rule_of) {
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

ConfigKey<Set> count(const char* name, std::uint32_t (Retention::*get)() const,
                     void (Retention::*set)(std::uint32_t)) {
  return {name, ConfigKind::kCounts,
          [get](const Set& request) -> Value {
            const Texts texts = rules_of(request, [get](const Retention& rules) {
              const std::uint32_t number = (rules.*get)();
              return number > 0 ? std::to_string(number) : std::string();
            });
            const std::uint32_t own = (request.retention().*get)();
            if (texts.size() == 1 && own > 0) return std::int64_t{own};
            return unless_empty(texts);
          },
          [set](Set& request, const ConfigValue& value) {
            for (const std::string& text : texts_of(value)) {
              const auto [destination, number] = split_destination(text);
              (rules_for(request, destination).*set)(parse_kept(number));
            }
          },
          [](const std::string& text) { parse_kept(split_destination(text).second); }};
}

ConfigKey<Set> duration(const char* name, std::uint64_t (*get)(const v1::ScheduleChange&),
                        void (v1::ScheduleChange::*set)(std::uint64_t)) {
  return {name, ConfigKind::kText,
          [get](const Set& request) -> Value {
            const std::uint64_t seconds = get(request.schedule());
            return seconds > 0 ? Value(duration_text(seconds)) : std::nullopt;
          },
          [set](Set& request, const ConfigValue& value) {
            (request.mutable_schedule()->*set)(parse_seconds(text_of(value)));
          }};
}

ConfigKey<Destination> secret(const char* name) {
  return {name, ConfigKind::kText,
          [name](const Destination& request) {
            const v1::SecretReference& reference = request.secret_reference();
            return unless_empty(reference.option() == name ? reference.name() : std::string());
          },
          [name](Destination& request, const ConfigValue& value) {
            v1::SecretReference& reference = *request.mutable_secret_reference();
            if (!reference.option().empty())
              refuse("a destination has either " + reference.option() + " or " + name);
            reference.set_option(name);
            reference.set_name(text_of(value));
            check_reference(reference);
          }};
}

ConfigKey<Destination> maintenance(const char* name, bool prune) {
  const auto described = [prune](const std::string& text) {
    v1::MaintenanceChange change;
    const std::string schedule = text == kNever ? "" : text;
    prune ? change.set_prune_schedule(schedule) : change.set_check_schedule(schedule);
    return change;
  };
  return {name, ConfigKind::kText,
          [prune](const Destination& request) -> Value {
            const v1::MaintenanceChange& change = request.maintenance();
            const catalog::MaintenanceSettings usual;
            if (!(prune ? change.has_prune_schedule() : change.has_check_schedule())) return std::nullopt;
            const std::string& text = prune ? change.prune_schedule() : change.check_schedule();
            if (text == (prune ? usual.prune : usual.check)) return std::nullopt;
            return text.empty() ? kNever : text;
          },
          [described](Destination& request, const ConfigValue& value) {
            request.mutable_maintenance()->MergeFrom(described(text_of(value)));
          },
          [described](const std::string& text) {
            if (text.empty()) refuse("a schedule is expected, or 'never'");
            check_maintenance(described(text), system_clock());
          }};
}

using Commands = v1::CommandChange;
ConfigKey<Set> hook(const char* name, const std::string& (Commands::*get)() const,
                    std::string* (Commands::*mutable_text)()) {
  return {name, ConfigKind::kText,
          [get](const Set& request) { return unless_empty((request.commands().*get)()); },
          [mutable_text](Set& request, const ConfigValue& value) {
            *(request.mutable_commands()->*mutable_text)() = text_of(value);
          }};
}

ConfigKey<Set> time_limit(const char* name, std::uint64_t (*get)(const Commands&),
                          void (*put)(Commands&, std::uint64_t), std::chrono::seconds usual) {
  const auto usual_seconds = static_cast<std::uint64_t>(usual.count());
  return {name, ConfigKind::kText,
          [get, usual_seconds](const Set& request) -> Value {
            const std::uint64_t seconds = get(request.commands());
            if (seconds == 0 || seconds == usual_seconds) return std::nullopt;
            return duration_text(seconds);
          },
          [put](Set& request, const ConfigValue& value) {
            put(*request.mutable_commands(), parse_seconds(text_of(value)));
          }};
}

// Of the commands whose output is backed up: one list of commands, and one of their names.
ConfigKey<Set> command_part(const char* name, bool command) {
  return {name, ConfigKind::kTexts,
          [command](const Set& request) {
            Texts texts;
            for (const v1::CommandSource& source : request.commands().sources())
              texts.push_back(command ? source.command() : source.name());
            return unless_empty(texts);
          },
          [command](Set& request, const ConfigValue& value) {
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

using Settings = v1::DestinationSettingsChange;
ConfigKey<Destination> limit(const char* name, bool upload) {
  return {name, ConfigKind::kTexts,
          [upload](const Destination& request) {
            const Settings& settings = request.settings();
            return unless_empty(list_of(upload ? settings.upload_limits() : settings.download_limits()));
          },
          [upload](Destination& request, const ConfigValue& value) {
            for (const std::string& text : texts_of(value)) {
              const schedule::RateRule rule = schedule::parse_rate_rule(text);
              if (!rule.window && !rule.bytes_per_second) continue;  // says nothing
              upload ? request.mutable_settings()->add_upload_limits(text)
                     : request.mutable_settings()->add_download_limits(text);
            }
            edited(catalog::DestinationSettings(), request.settings());
          },
          [](const std::string& text) { schedule::parse_rate_rule(text); }};
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

void put_sources(Set& request, const ConfigValue& value) {
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

std::string duration_text(std::uint64_t seconds) {
  struct Unit {
    std::uint64_t seconds;
    char name;
  };
  static constexpr std::array kUnits{Unit{604800, 'w'}, Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'},
                                     Unit{1, 's'}};
  std::string text;
  for (const Unit& unit : kUnits) {
    if (seconds >= unit.seconds) text += std::to_string(seconds / unit.seconds) + unit.name;
    seconds %= unit.seconds;
  }
  return text.empty() ? "0" : text;
}

std::uint64_t parse_seconds(const std::string& text) {
  if (text == "0") return 0;
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::seconds>(schedule::parse_duration(text)).count());
}

const std::vector<ConfigKey<Destination>>& destination_keys() {
  static const std::vector<ConfigKey<Destination>> keys = {
      {"url",
       ConfigKind::kText,
       [](const Destination& request) { return unless_empty(request.url()); },
       [](Destination& request, const ConfigValue& value) {
         const std::string& url = text_of(value);
         request.set_url(url.starts_with('/') ? normal_path(url) : url);
       },
       {},
       /*required=*/true},
      secret("password-file"),
      secret("key-file"),
      secret("recovery-key-file"),
      secret("credential"),
      flag("share-keyring", &Destination::share_keyring, &Destination::set_share_keyring),
      flag("no-encryption", &Destination::no_encryption, &Destination::set_no_encryption),
      maintenance("prune-schedule", /*prune=*/true),
      maintenance("check-schedule", /*prune=*/false),
      {"check-period", ConfigKind::kText,
       [](const Destination& request) -> Value {
         const std::uint64_t usual = to_message(catalog::MaintenanceSettings()).check_period_seconds();
         const v1::MaintenanceChange& change = request.maintenance();
         if (!change.has_check_period_seconds() || change.check_period_seconds() == usual)
           return std::nullopt;
         return duration_text(change.check_period_seconds());
       },
       [](Destination& request, const ConfigValue& value) {
         request.mutable_maintenance()->set_check_period_seconds(parse_seconds(text_of(value)));
         check_maintenance(request.maintenance(), system_clock());
       }},
      limit("limit-upload", /*upload=*/true),
      limit("limit-download", /*upload=*/false),
      {"max-unused", ConfigKind::kAmount,
       [](const Destination& request) -> Value {
         if (!request.settings().has_max_unused_percent()) return std::nullopt;
         const double percent = request.settings().max_unused_percent();
         if (percent == std::floor(percent)) return static_cast<std::int64_t>(percent);
         std::array<char, 32> text{};
         std::snprintf(text.data(), text.size(), "%.12g", percent);
         return std::string(text.data());
       },
       [](Destination& request, const ConfigValue& value) {
         const std::string& text = text_of(value);
         double percent = -1;
         const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
         if (error != std::errc{} || end != text.data() + text.size()) percent = -1;
         check_percent(percent);
         request.mutable_settings()->set_max_unused_percent(percent);
       }},
      {"max-rewrite", ConfigKind::kAmount,
       [](const Destination& request) -> Value {
         if (!request.settings().has_max_rewrite_bytes()) return std::nullopt;
         return exact_byte_count(request.settings().max_rewrite_bytes());
       },
       [](Destination& request, const ConfigValue& value) {
         const std::optional<std::uint64_t> bytes = parse_byte_count(text_of(value));
         if (!bytes.has_value()) refuse("an amount like \"4GiB\" or \"500M\" is expected");
         check_rewrite(*bytes);
         request.mutable_settings()->set_max_rewrite_bytes(*bytes);
       }},
  };
  return keys;
}

const std::vector<ConfigKey<Set>>& set_keys() {
  using Change = v1::ScheduleChange;
  static const std::vector<ConfigKey<Set>> keys = {
      {"source", ConfigKind::kTexts,
       [](const Set& request) {
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
       [](const Set& request) { return unless_empty(list_of(request.destinations())); },
       [](Set& request, const ConfigValue& value) {
         request.clear_destinations();
         for (const std::string& name : texts_of(value)) request.add_destinations(name);
       },
       {},
       /*required=*/true},
      flag("one-file-system", &Set::one_file_system, &Set::set_one_file_system),
      flag("exclude-caches", &Set::exclude_caches, &Set::set_exclude_caches),
      {"schedule", ConfigKind::kTexts,
       [](const Set& request) {
         Texts texts;
         for (const v1::ScheduleEntry& entry : request.schedule().schedules()) {
           texts.push_back((entry.destination().empty() ? "" : entry.destination() + "=") + entry.schedule());
         }
         return unless_empty(std::move(texts));
       },
       [](Set& request, const ConfigValue& value) {
         std::vector<v1::ScheduleEntry> entries;
         for (const std::string& text : texts_of(value)) entries.push_back(schedule_entry(text));
         // As they are kept.
         std::stable_sort(entries.begin(), entries.end(),
                          [](const auto& a, const auto& b) { return a.destination() < b.destination(); });
         for (const v1::ScheduleEntry& entry : entries) *request.mutable_schedule()->add_schedules() = entry;
       },
       check_schedule},
      {"timezone", ConfigKind::kText,
       [](const Set& request) { return unless_empty(request.schedule().timezone()); },
       [](Set& request, const ConfigValue& value) {
         request.mutable_schedule()->set_timezone(text_of(value) == "system" ? "" : text_of(value));
       },
       [](const std::string& text) {
         if (text != "system") schedule::Zone::named(text);
       }},
      duration(
          "random-delay", [](const Change& change) { return std::uint64_t{change.random_delay_seconds()}; },
          &Change::set_random_delay_seconds),
      {"window", ConfigKind::kTexts,
       [](const Set& request) { return unless_empty(list_of(request.schedule().windows())); },
       [](Set& request, const ConfigValue& value) {
         for (const std::string& text : texts_of(value)) request.mutable_schedule()->add_windows(text);
       },
       [](const std::string& text) { schedule::parse_window(text); }},
      {"when", ConfigKind::kTexts,
       [](const Set& request) { return unless_empty(list_of(request.schedule().conditions())); },
       [](Set& request, const ConfigValue& value) {
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
       [](const Set& request) {
         return unless_empty(rules_of(request, [](const Retention& rules) { return rules.within(); }));
       },
       [](Set& request, const ConfigValue& value) {
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

// ---- Reading a section ----

namespace {

const char* expected(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::kFlag:
      return "true or false is expected here";
    case ConfigKind::kAmount:
      return "a whole number or a text is expected here";
    case ConfigKind::kCounts:
      return "a whole number is expected here, or a list of texts: \"N\", \"DEST=N\"";
    case ConfigKind::kTexts:
      return "a text or a list of texts is expected here: \"…\" or [\"…\", \"…\"]";
    case ConfigKind::kText:
      break;
  }
  return "a text is expected here: \"…\"";
}

// The value as keys of the kind take it; nothing when it is of another.
std::optional<ConfigValue> as_kind(ConfigKind kind, const ConfigValue& value) {
  const auto* const text = std::get_if<std::string>(&value);
  const auto* const number = std::get_if<std::int64_t>(&value);
  const auto* const texts = std::get_if<Texts>(&value);
  switch (kind) {
    case ConfigKind::kFlag:
      return std::holds_alternative<bool>(value) ? std::optional(value) : std::nullopt;
    case ConfigKind::kText:
      return text != nullptr ? std::optional(value) : std::nullopt;
    case ConfigKind::kAmount:
      if (number != nullptr) return ConfigValue(std::to_string(*number));
      return text != nullptr ? std::optional(value) : std::nullopt;
    case ConfigKind::kCounts:
      if (number != nullptr) return ConfigValue(Texts{std::to_string(*number)});
      [[fallthrough]];
    case ConfigKind::kTexts:
      if (text != nullptr) return ConfigValue(Texts{*text});
      return texts != nullptr ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

// Whether each text may be; those that may not are told at their places.
bool check_texts(const std::function<void(const std::string&)>& check, const PlacedValue& placed,
                 const ConfigValue& value, std::vector<Problem>& problems) {
  Texts texts;
  if (const auto* const one = std::get_if<std::string>(&value)) texts = {*one};
  if (const auto* const several = std::get_if<Texts>(&value)) texts = *several;
  bool good = true;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    try {
      check(texts[i]);
    } catch (const Error& error) {
      problems.push_back({i < placed.elements.size() ? placed.elements[i] : placed.place, error.what()});
      good = false;
    }
  }
  return good;
}

template <typename Request>
void take(const ConfigKey<Request>& key, const PlacedValue& placed, Request& request,
          std::vector<Problem>& problems) {
  const std::optional<ConfigValue> value = as_kind(key.kind, placed.value);
  if (!value.has_value()) return problems.push_back({placed.place, expected(key.kind)});
  if (key.check && !check_texts(key.check, placed, *value, problems)) return;
  try {
    key.put(request, *value);
  } catch (const Error& error) {
    problems.push_back({placed.place, error.what()});
  }
}

}  // namespace

template <typename Request>
Request request_of(const std::vector<ConfigKey<Request>>& keys, const ConfigSection& section,
                   std::vector<Problem>& problems) {
  Request request;
  for (const PlacedValue& placed : section.values) {
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const ConfigKey<Request>& one) { return placed.key == one.name; });
    if (key != keys.end()) {
      take(*key, placed, request, problems);
      continue;
    }
    std::string all;
    for (const ConfigKey<Request>& one : keys) all += (all.empty() ? "" : ", ") + std::string(one.name);
    problems.push_back({placed.key_place, "there is no key '" + printable(placed.key) + "' of a " +
                                              section.kind + "; there are " + all});
  }
  for (const ConfigKey<Request>& key : keys) {
    const bool given =
        std::any_of(section.values.begin(), section.values.end(), [&](const PlacedValue& placed) {
          const auto* const texts = std::get_if<Texts>(&placed.value);
          return placed.key == key.name && !(texts != nullptr && texts->empty());
        });
    if (key.required && !given) {
      problems.push_back({section.place, "the " + section.kind + " '" + printable(section.name) +
                                             "' has no " + std::string(key.name)});
    }
  }
  return request;
}

template Destination request_of(const std::vector<ConfigKey<Destination>>& keys, const ConfigSection& section,
                                std::vector<Problem>& problems);
template Set request_of(const std::vector<ConfigKey<Set>>& keys, const ConfigSection& section,
                        std::vector<Problem>& problems);

}  // namespace garner::daemon
