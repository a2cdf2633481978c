// The options that say what is kept: --keep-last and its like, of forget, set add and set edit.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "garner/v1/service.pb.h"

namespace garner::client {

struct RetentionArguments {
  std::optional<std::string> last, hourly, daily, weekly, monthly, quarterly, yearly, within;
  bool any() const;
};

// For usage lines: each optional, and one of several.
inline constexpr const char* kRetentionUsage =
    "[--keep-last N] [--keep-hourly N] [--keep-daily N] [--keep-weekly N] [--keep-monthly N] "
    "[--keep-quarterly N] "
    "[--keep-yearly N] [--keep-within DURATION]";
inline constexpr const char* kRetentionEditUsage =
    "--keep-last N, --keep-hourly N, --keep-daily N, --keep-weekly N, --keep-monthly N, --keep-quarterly N, "
    "--keep-yearly N, --keep-within DURATION";
// `given` outlives the options.
void add_retention_options(RetentionArguments& given, std::vector<Option>& options);
// usage_failure() for a number or duration that is none.
v1::RetentionEdit to_edit(const RetentionArguments& given);
v1::Retention to_retention(const RetentionArguments& given);
// "last 3, 7 daily, within 1y"; empty without a rule.
std::string retention_text(const v1::Retention& retention);

}  // namespace garner::client
