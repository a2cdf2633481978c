// What is told of when sets are backed up by themselves.
#pragma once

#include <string>

#include "fact_list.h"
#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// "1d 12h", "90m" as "1h 30m", "45s"; empty for 0.
std::string duration_text(std::uint64_t seconds);
void add_schedule_facts(FactList& facts, const v1::BackupSet& set);
// A line or two for each set that has a schedule or is overdue, each ended.
std::string schedules_text(const google::protobuf::RepeatedPtrField<v1::SetStatus>& sets,
                           const Terminal& terminal);

}  // namespace garner::client
