// What a request changes of a set's schedule, and what is told of one.
#pragma once

#include <unistd.h>

#include "catalog/schedule_table.h"
#include "garner/v1/service.pb.h"
#include "schedule/planner.h"

namespace garner::daemon {

// Who asks, and when.
struct ScheduleContext {
  uid_t user = geteuid();  // whose commands conditions are
  schedule::Reading now = schedule::read_clocks(system_clock());
};

// `old` with what the request changes. Error(kInvalidInput) for expressions, windows, zones and conditions
// that cannot be read (says where), schedules that never come again, two for one destination, and those of a
// destination that is none of `destinations`.
catalog::SetSchedule edited(const catalog::SetSchedule& old, const v1::ScheduleChange& change,
                            const std::vector<std::string>& destinations, const ScheduleContext& context);
v1::SetSchedule to_message(const catalog::SetSchedule& schedule);

// What an entry asks for, ready to be planned. Error(kInvalidInput) for what a zone's change made unreadable.
schedule::Rules rules_of(const catalog::SetSchedule& schedule, const catalog::SetSchedule::Entry& entry,
                         const std::string& set_uuid);
schedule::Windows windows_of(const catalog::SetSchedule& schedule);

}  // namespace garner::daemon
