#include "destination_runs.h"

#include <algorithm>

namespace garner::daemon {

v1::DestinationRun& part_of(v1::Run& report, const std::string& destination) {
  for (v1::DestinationRun& part : *report.mutable_destinations()) {
    if (part.destination() == destination) return part;
  }
  v1::DestinationRun& added = *report.add_destinations();
  added.set_destination(destination);
  return added;
}

void show(const backup::TargetProgress& target, v1::DestinationRun& part) {
  part.set_new_bytes(std::max(part.new_bytes(), target.counters.new_bytes));
  part.set_stored_bytes(std::max(part.stored_bytes(), target.counters.stored_bytes));
  part.set_supplied_bytes(std::max(part.supplied_bytes(), target.counters.supplied_bytes));
  if (part.state() != v1::DESTINATION_RUN_STATE_WAITING && part.state() != v1::DESTINATION_RUN_STATE_FED)
    return;
  const bool is_fed = target.state == backup::TargetState::kFed || target.state == backup::TargetState::kDone;
  part.set_state(is_fed ? v1::DESTINATION_RUN_STATE_FED : v1::DESTINATION_RUN_STATE_WAITING);
  part.set_error(target.error);
}

void add_suppliers(v1::DestinationRun& part, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::ranges::find(part.supplied_from(), name) == part.supplied_from().end())
      part.add_supplied_from(name);
  }
}

backup::TargetCounters counters_of(const v1::DestinationRun& part) {
  return {part.new_bytes(), part.stored_bytes(), part.supplied_bytes()};
}

void add_up(v1::Run& report) {
  std::uint64_t new_bytes = report.new_bytes();
  std::uint64_t stored = 0;
  std::uint64_t supplied = 0;
  for (const v1::DestinationRun& part : report.destinations()) {
    new_bytes = std::max(new_bytes, part.new_bytes());
    stored += part.stored_bytes();
    supplied += part.supplied_bytes();
  }
  report.set_new_bytes(new_bytes);
  report.set_stored_bytes(stored);
  report.set_supplied_bytes(supplied);
}

bool has_error(const v1::Run& report, const std::string& destination) {
  return std::ranges::any_of(report.destinations(), [&](const v1::DestinationRun& part) {
    return part.destination() == destination && !part.error().empty();
  });
}

bool is_done(const v1::Run& report, const std::string& destination) {
  return std::ranges::any_of(report.destinations(), [&](const v1::DestinationRun& part) {
    return part.destination() == destination && part.state() == v1::DESTINATION_RUN_STATE_DONE;
  });
}

bool all_done(const v1::Run& report) {
  return std::ranges::all_of(report.destinations(), [](const v1::DestinationRun& part) {
    return part.state() == v1::DESTINATION_RUN_STATE_DONE;
  });
}

}  // namespace garner::daemon
