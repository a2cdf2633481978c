#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/byte_count.h"
#include "config_key_rows.h"
#include "destination_edit.h"
#include "destination_settings.h"
#include "maintenance_message.h"
#include "schedule/rate_plan.h"

namespace garner::daemon {

namespace {

using DestinationRequest = v1::AddDestinationRequest;
using Value = std::optional<ConfigValue>;

constexpr const char* kNeverText = "never";

ConfigKey<DestinationRequest> secret(const char* name) {
  return {name, ConfigKind::kText,
          [name](const DestinationRequest& request) {
            const v1::SecretReference& reference = request.secret_reference();
            return unless_empty(reference.option() == name ? reference.name() : std::string());
          },
          [name](DestinationRequest& request, const ConfigValue& value) {
            v1::SecretReference& reference = *request.mutable_secret_reference();
            if (!reference.option().empty())
              refuse("a destination has either " + reference.option() + " or " + name);
            reference.set_option(name);
            reference.set_name(text_of(value));
            check_reference(reference);
          }};
}

// How the place is reached: `check` knows which places have it.
ConfigKey<DestinationRequest> option(const char* name) {
  return {name, ConfigKind::kText,
          [name](const DestinationRequest& request) {
            const auto found = request.options().find(name);
            return unless_empty(found != request.options().end() ? found->second : std::string());
          },
          [name](DestinationRequest& request, const ConfigValue& value) {
            const std::string& text = text_of(value);
            if (text.empty()) refuse("a text that is not empty is expected");
            // The url stands before it, as it is written; else it is checked with the rest.
            if (!request.url().empty()) destination::changed(request.url(), {}, {{name, text}});
            (*request.mutable_options())[name] = text;
          }};
}

ConfigKey<DestinationRequest> maintenance(const char* name, bool prune) {
  const auto described = [prune](const std::string& text) {
    v1::MaintenanceChange change;
    const std::string schedule = text == kNeverText ? "" : text;
    prune ? change.set_prune_schedule(schedule) : change.set_check_schedule(schedule);
    return change;
  };
  return {name, ConfigKind::kText,
          [prune](const DestinationRequest& request) -> Value {
            const v1::MaintenanceChange& change = request.maintenance();
            const catalog::MaintenanceSettings usual;
            if (!(prune ? change.has_prune_schedule() : change.has_check_schedule())) return std::nullopt;
            const std::string& text = prune ? change.prune_schedule() : change.check_schedule();
            if (text == (prune ? usual.prune : usual.check)) return std::nullopt;
            return text.empty() ? kNeverText : text;
          },
          [described](DestinationRequest& request, const ConfigValue& value) {
            request.mutable_maintenance()->MergeFrom(described(text_of(value)));
          },
          [described](const std::string& text) {
            if (text.empty()) refuse("a schedule is expected, or 'never'");
            check_maintenance(described(text), system_clock());
          }};
}

using SettingsChange = v1::DestinationSettingsChange;
ConfigKey<DestinationRequest> limit(const char* name, bool upload) {
  return {name, ConfigKind::kTexts,
          [upload](const DestinationRequest& request) {
            const SettingsChange& settings = request.settings();
            return unless_empty(list_of(upload ? settings.upload_limits() : settings.download_limits()));
          },
          [upload](DestinationRequest& request, const ConfigValue& value) {
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

}  // namespace

const std::vector<ConfigKey<DestinationRequest>>& destination_keys() {
  static const std::vector<ConfigKey<DestinationRequest>> keys = {
      {"url",
       ConfigKind::kText,
       [](const DestinationRequest& request) { return unless_empty(request.url()); },
       [](DestinationRequest& request, const ConfigValue& value) {
         request.set_url(destination::normal_url(text_of(value)));
         destination::changed(request.url(), {}, to_options(request.options()));
       },
       {},
       /*required=*/true},
      option("region"),
      option("addressing"),
      option("storage-class"),
      option("access-keys"),
      option("ca-file"),
      option("ssh-key"),
      option("ssh-passphrase-file"),
      option("known-hosts"),
      {"single-writer", ConfigKind::kFlag,
       [](const DestinationRequest& request) -> Value {
         if (!request.options().contains("single-writer")) return std::nullopt;
         return true;
       },
       [](DestinationRequest& request, const ConfigValue& value) {
         if (std::get<bool>(value)) (*request.mutable_options())["single-writer"] = "yes";
       }},
      secret("password-file"),
      secret("key-file"),
      secret("recovery-key-file"),
      secret("credential"),
      flag("share-keyring", &DestinationRequest::share_keyring, &DestinationRequest::set_share_keyring),
      flag("no-encryption", &DestinationRequest::no_encryption, &DestinationRequest::set_no_encryption),
      maintenance("prune-schedule", /*prune=*/true),
      maintenance("check-schedule", /*prune=*/false),
      {"check-period", ConfigKind::kText,
       [](const DestinationRequest& request) -> Value {
         const std::uint64_t usual = to_message(catalog::MaintenanceSettings()).check_period_seconds();
         const v1::MaintenanceChange& change = request.maintenance();
         if (!change.has_check_period_seconds() || change.check_period_seconds() == usual)
           return std::nullopt;
         return duration_text(change.check_period_seconds());
       },
       [](DestinationRequest& request, const ConfigValue& value) {
         request.mutable_maintenance()->set_check_period_seconds(parse_seconds(text_of(value)));
         check_maintenance(request.maintenance(), system_clock());
       }},
      limit("limit-upload", /*upload=*/true),
      limit("limit-download", /*upload=*/false),
      {"max-unused", ConfigKind::kAmount,
       [](const DestinationRequest& request) -> Value {
         if (!request.settings().has_max_unused_percent()) return std::nullopt;
         const double percent = request.settings().max_unused_percent();
         if (percent == std::floor(percent)) return static_cast<std::int64_t>(percent);
         std::array<char, 32> text{};
         std::snprintf(text.data(), text.size(), "%.12g", percent);
         return std::string(text.data());
       },
       [](DestinationRequest& request, const ConfigValue& value) {
         const std::string& text = text_of(value);
         double percent = -1;
         const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
         if (error != std::errc{} || end != text.data() + text.size()) percent = -1;
         check_percent(percent);
         request.mutable_settings()->set_max_unused_percent(percent);
       }},
      {"max-rewrite", ConfigKind::kAmount,
       [](const DestinationRequest& request) -> Value {
         if (!request.settings().has_max_rewrite_bytes()) return std::nullopt;
         return exact_byte_count(request.settings().max_rewrite_bytes());
       },
       [](DestinationRequest& request, const ConfigValue& value) {
         const std::optional<std::uint64_t> bytes = parse_byte_count(text_of(value));
         if (!bytes.has_value()) refuse("an amount like \"4GiB\" or \"500M\" is expected");
         check_rewrite(*bytes);
         request.mutable_settings()->set_max_rewrite_bytes(*bytes);
       }},
  };
  return keys;
}

}  // namespace garner::daemon
