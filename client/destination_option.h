// The options of `destination add` and `destination edit` that say how a destination is used.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "garner/v1/service.pb.h"

namespace garner::client {

// For usage lines: each optional, and one of several.
inline constexpr const char* kDestinationSettingsUsage =
    "[--limit-upload RATE | --limit-upload W=RATE]... [--limit-download RATE | --limit-download W=RATE]... "
    "[--max-unused PERCENT] [--max-rewrite SIZE]";
inline constexpr const char* kDestinationSettingsEditUsage =
    "{--limit-upload RATE | --limit-upload W=RATE}..., {--limit-download RATE | --limit-download W=RATE}..., "
    "--max-unused PERCENT, --max-rewrite SIZE";

// Where the options' values go; it outlives the command.
class DestinationOptions {
 public:
  void add_to(std::vector<Option>& options);
  // What was given; nothing when none was. Throws usage_failure() for what cannot be.
  std::optional<v1::DestinationSettingsChange> change() const;

 private:
  std::vector<std::string> upload_;
  std::vector<std::string> download_;
  std::optional<std::string> max_unused_;
  std::optional<std::string> max_rewrite_;
};

// Paragraphs of the help on how limits are written.
std::vector<std::string> limit_details();

}  // namespace garner::client
