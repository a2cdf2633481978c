// What is done with destinations by itself, as messages of the API have it, and when.
#pragma once

#include <vector>

#include "catalog/maintenance_table.h"
#include "garner/v1/service.pb.h"
#include "schedule/planner.h"

namespace garner::daemon {

// `old` with what the request changes. Error(kInvalidInput) for schedules that cannot be read (says where),
// or never come again, and for a period out of bounds.
catalog::MaintenanceSettings edited(const catalog::MaintenanceSettings& old,
                                    const v1::MaintenanceChange& change, schedule::Instant now);
v1::Maintenance to_message(const catalog::MaintenanceSettings& settings);

// Ready to be planned, in the system's zone. A run is put off by up to a tenth of the time to the next, at
// most four hours. `repository`: of the destination; others have other delays. The kind has a schedule.
schedule::Rules rules_of(const catalog::MaintenanceSettings& settings, catalog::MaintenanceKind kind,
                         const std::string& repository);
// When further checks will be asked for, after `now` and within the period; every day where none has a
// schedule.
std::vector<schedule::Instant> later_checks(const catalog::MaintenanceSettings& settings,
                                            schedule::Instant now);

}  // namespace garner::daemon
