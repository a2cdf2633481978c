// What is told of what is done with destinations by itself.
#pragma once

#include <string>

#include "fact_list.h"
#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

void add_maintenance_facts(FactList& facts, const v1::MaintenanceStatus& status);
// A line or two for each destination that was pruned or checked, or has damage; each ended.
std::string maintenance_text(const google::protobuf::RepeatedPtrField<v1::Destination>& destinations,
                             const Terminal& terminal);

}  // namespace garner::client
