#include "maintenance_option.h"

#include "argument.h"
#include "failure.h"
#include "schedule_option.h"

namespace garner::client {
namespace {

// As the configuration as a file has it.
std::string schedule_of(const std::string& option, const std::string& text) {
  check_utf8(option, text);
  if (text.empty()) throw usage_failure(option + " is empty", "'never' turns it off.");
  return text == "never" ? "" : text;
}

}  // namespace

void MaintenanceOptions::add_to(std::vector<Option>& options) {
  options.push_back({"--prune-schedule",
                     "S",
                     "When to give back by itself the space of what is forgotten. Default: weekly.",
                     &prune_schedule_,
                     false,
                     {}});
  options.push_back({"--no-prune-schedule", "", "Prune only when asked to.", &no_prune_schedule_, false, {}});
  options.push_back({"--check-schedule",
                     "S",
                     "When to check by itself, each time with a part of the data. Default: daily.",
                     &check_schedule_,
                     false,
                     {}});
  options.push_back({"--no-check-schedule", "", "Check only when asked to.", &no_check_schedule_, false, {}});
  options.push_back({"--check-period",
                     "T",
                     "In which all of the data is read once by these checks: 2w, 90d. Default: 30d.",
                     &check_period_,
                     false,
                     {}});
}

std::optional<v1::MaintenanceChange> MaintenanceOptions::change() const {
  check_at_most_one(
      {{"--prune-schedule", prune_schedule_.has_value()}, {"--no-prune-schedule", no_prune_schedule_}});
  check_at_most_one(
      {{"--check-schedule", check_schedule_.has_value()}, {"--no-check-schedule", no_check_schedule_}});
  v1::MaintenanceChange change;
  if (prune_schedule_) change.set_prune_schedule(schedule_of("--prune-schedule", *prune_schedule_));
  if (no_prune_schedule_) change.set_prune_schedule("");
  if (check_schedule_) change.set_check_schedule(schedule_of("--check-schedule", *check_schedule_));
  if (no_check_schedule_) change.set_check_schedule("");
  if (check_period_) change.set_check_period_seconds(parse_duration("--check-period", *check_period_));
  if (!change.has_prune_schedule() && !change.has_check_schedule() && !change.has_check_period_seconds())
    return std::nullopt;
  return change;
}

std::vector<std::string> maintenance_details() {
  return {
      "A destination is pruned and checked by itself: S is a schedule as of garner set add, in the system's "
      "time zone. Both stand behind backups and restores, are made up once when they were missed, and begin "
      "up "
      "to four hours late, each at its own time."};
}

}  // namespace garner::client
