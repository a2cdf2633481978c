// Begins prunes and checks of destinations when their schedules say so. As with sets (scheduler.h), what is
// due is the planner's decision, and what it remembers is in the catalog and changes together with the run.
//
// One that is due waits while a run of the same kind uses the destination, whoever began that, and while the
// destination is away. Once begun it is the run queue's: behind backups and restores.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "catalog/maintenance_table.h"
#include "destinations.h"
#include "run_queue.h"
#include "schedule/planner.h"
#include "schedule/reading.h"

namespace garner::daemon {

class MaintenanceScheduler {
 public:
  using Clocks = std::function<schedule::Reading()>;
  MaintenanceScheduler(Destinations& destinations, RunQueue& runs, std::chrono::seconds settling,
                       Clocks clocks);

  // As Scheduler::look(). May wait for destinations; one thread at a time.
  std::chrono::milliseconds look();
  // Fills in when the next ones come, and what those that are due wait for. Any thread.
  void describe(const catalog::DestinationFacts& facts, v1::MaintenanceStatus& status);

 private:
  using Kind = catalog::MaintenanceKind;
  using Wake = std::optional<schedule::Instant>;

  void look_at(const catalog::DestinationFacts& facts, Kind kind, const schedule::Reading& now, Wake& wake);
  // What is due, and the mark when that is served.
  std::optional<schedule::Mark> find_due(const catalog::DestinationFacts& facts, Kind kind,
                                         const schedule::Reading& now, Wake& wake);
  void begin(const std::string& destination, Kind kind, const schedule::Mark& mark);
  void say_waiting(const std::string& destination, Kind kind, const std::string& reason);
  std::string waits_for(const std::string& destination, Kind kind);

  Destinations& destinations_;
  RunQueue& runs_;
  catalog::Catalog& catalog_;
  const Clocks clocks_;
  schedule::Session session_;
  std::mutex mutex_;
  std::map<std::pair<std::string, Kind>, std::string> waits_for_;
};

}  // namespace garner::daemon
