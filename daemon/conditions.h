// What must be so before a scheduled run begins (--when):
//
//   on-ac-power        the machine is not running on its battery
//   destination        the disk of at least one of the destinations that the run goes to is plugged in,
//                      mounted or not
//   command:CMD        /bin/sh says yes: CMD ends with 0 within a minute. It runs as the user who configured
//                      it, as all commands do (command/command.h)
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "catalog/schedule_table.h"
#include "destinations.h"

namespace garner::daemon {

// Error(kInvalidInput) for what is none of the above.
void check_condition(const std::string& text);
bool is_command(const std::string& condition);

// Of the system whose power supplies are in this folder: whether one of the mains is online, or there is no
// battery that would be used instead.
bool on_ac_power(const std::string& folder = "/sys/class/power_supply");
// The UUID of the file system that a path lies on, by the links in /dev/disk/by-uuid; empty where it has none
// there (a network's, a memory's).
std::string file_system_of(const std::string& path);
bool is_plugged_in(const std::string& file_system);
// Whether `command` ends with 0 within `limit`; it and what it started is killed then. Waits for it. False,
// and why in `reason`, also for a user that this process cannot become.
bool says_yes(const std::string& command, uid_t user, std::chrono::milliseconds limit, std::string& reason);

// Any thread; may wait for a destination, and for commands.
class Conditions {
 public:
  explicit Conditions(Destinations& destinations) : destinations_(destinations) {}

  // The first condition that does not hold, in words; nothing when all do.
  std::optional<std::string> unmet(const std::vector<catalog::SetSchedule::Condition>& conditions,
                                   const std::vector<std::string>& destinations);

 private:
  bool is_there(const std::string& destination);
  std::optional<std::string> unmet_destination(const std::vector<std::string>& destinations);
  Destinations& destinations_;
};

}  // namespace garner::daemon
