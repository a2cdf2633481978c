// The options that say what is kept: --keep-last and its like, of forget, set add and set edit.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "garner/v1/service.pb.h"

namespace garner::client {

// As they were given, each N or DEST=N.
struct RetentionArguments {
  std::vector<std::string> last, hourly, daily, weekly, monthly, quarterly, yearly, within;
  bool any() const;
};

// Of all destinations, and of those that are named.
struct RetentionEdits {
  std::optional<v1::RetentionEdit> own;
  std::map<std::string, v1::RetentionEdit> of_destinations;
};

// For usage lines: each optional, and one of several.
inline constexpr const char* kRetentionUsage =
    "[--keep-last N | --keep-last DEST=N]... [--keep-hourly N]... [--keep-daily N]... [--keep-weekly N]... "
    "[--keep-monthly N]... [--keep-quarterly N]... [--keep-yearly N]... [--keep-within DURATION]...";
inline constexpr const char* kRetentionEditUsage =
    "{--keep-last N | --keep-last DEST=N}..., --keep-hourly N..., --keep-daily N..., --keep-weekly N..., "
    "--keep-monthly N..., --keep-quarterly N..., --keep-yearly N..., --keep-within DURATION...";
inline constexpr const char* kRetentionOfDestination =
    "DEST=N in place of N, in any of the --keep options, is a rule of one destination: where there is one, "
    "the "
    "rules of that destination count, and not those of all.";
// `given` outlives the options.
void add_retention_options(RetentionArguments& given, std::vector<Option>& options);
// usage_failure() for a number or duration that is none, and for a rule that is given twice.
RetentionEdits to_edits(const RetentionArguments& given);
v1::Retention to_retention(const v1::RetentionEdit& edit);
// What was given, into a request that adds a set or forgets.
template <typename Request>
void add_retention(const RetentionArguments& given, Request& request) {
  const RetentionEdits edits = to_edits(given);
  if (edits.own) *request.mutable_retention() = to_retention(*edits.own);
  for (const auto& [destination, edit] : edits.of_destinations) {
    auto& added = *request.add_destination_retentions();
    added.set_destination(destination);
    *added.mutable_retention() = to_retention(edit);
  }
}
// "last 3, 7 daily, within 1y"; empty without a rule.
std::string retention_text(const v1::Retention& retention);

}  // namespace garner::client
