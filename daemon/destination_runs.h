// What a run's report says of each of its destinations. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "backup/backup_run.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// The part about that destination; added where there is none.
v1::DestinationRun& part_of(v1::Run& report, const std::string& destination);
// Puts into it what the engine tells of the destination while the run goes on. That it has the snapshot, or
// is behind, is for whoever has noted it to say.
void show(const backup::TargetProgress& target, v1::DestinationRun& part);
// That these gave something, once each.
void add_suppliers(v1::DestinationRun& part, const std::vector<std::string>& names);
// What the run has given to it so far.
backup::TargetCounters counters_of(const v1::DestinationRun& part);
// Makes the run's own figures of those of its parts: what is stored and supplied is added up; what is new to
// one of them is at least what is new to the one that lacked most.
void add_up(v1::Run& report);
// Whether that one, or all of them, have the snapshot.
bool is_done(const v1::Run& report, const std::string& destination);
// Whether something went wrong there.
bool has_error(const v1::Run& report, const std::string& destination);
bool all_done(const v1::Run& report);

}  // namespace garner::daemon
