// The options of `destination add` and `destination edit` that say what is done by itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "garner/v1/service.pb.h"

namespace garner::client {

inline constexpr const char* kMaintenanceUsage =
    "[--prune-schedule S | --no-prune-schedule] [--check-schedule S | --no-check-schedule] [--check-period "
    "T]";
inline constexpr const char* kMaintenanceEditUsage =
    "--prune-schedule S | --no-prune-schedule, --check-schedule S | --no-check-schedule, --check-period T";

// Where the options' values go; it outlives the command.
class MaintenanceOptions {
 public:
  void add_to(std::vector<Option>& options);
  // What was given; nothing when none was. Throws usage_failure() for what cannot be.
  std::optional<v1::MaintenanceChange> change() const;

 private:
  std::optional<std::string> prune_schedule_;
  bool no_prune_schedule_ = false;
  std::optional<std::string> check_schedule_;
  bool no_check_schedule_ = false;
  std::optional<std::string> check_period_;
};

std::vector<std::string> maintenance_details();

}  // namespace garner::client
