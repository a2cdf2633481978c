// What is told of a destination's maintenance: how it is configured, its last prune and check, how much of
// its data is verified, and whether damage was found.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "catalog/verified_pack_table.h"
#include "destinations.h"
#include "maintenance_scheduler.h"
#include "run_queue.h"

namespace garner::daemon {

// Any thread.
class MaintenanceFacts {
 public:
  MaintenanceFacts(Destinations& destinations, MaintenanceScheduler& scheduler)
      : destinations_(destinations), scheduler_(scheduler) {}

  // Fills in the part of the destination's message.
  void describe(v1::Destination& destination);
  // What a person should know at once; nothing where all is well.
  static std::optional<std::string> notice(const v1::Destination& destination);

 private:
  struct Sum {
    std::uint64_t changes = 0;
    std::int64_t made = 0;
    std::int64_t period = 0;
    catalog::VerifiedSum sum;
  };
  // Summing up a large repository takes a while, and status asks four times a second.
  catalog::VerifiedSum sum_of(const std::string& destination, std::int64_t period);

  Destinations& destinations_;
  MaintenanceScheduler& scheduler_;
  std::mutex mutex_;
  std::map<std::string, Sum> sums_;
};

}  // namespace garner::daemon
