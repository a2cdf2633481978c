// The options of `set add` and `set edit` that say who gives destinations what they lack.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "garner/v1/service.pb.h"

namespace garner::client {

// For usage lines.
inline constexpr const char* kSupplyUsage = "[--supply-from DEST | --supply both-ways]";
inline constexpr const char* kSupplyEditUsage = "--supply-from DEST | --supply both-ways | --no-supply";

// Where the options' values go; it outlives the command.
class SupplyOptions {
 public:
  // `edit`: with the one that takes it away.
  void add_to(std::vector<Option>& options, bool edit);
  // What was given; nothing when none was. Throws usage_failure() for what cannot be.
  std::optional<v1::Supply> change() const;

 private:
  std::optional<std::string> from_;
  std::optional<std::string> supply_;
  bool no_supply_ = false;
};

// "from disk", "both ways"; empty without any.
std::string supply_text(const v1::Supply& supply);

}  // namespace garner::client
