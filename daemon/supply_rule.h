// Which destinations of a set may give others what they lack, so that the source is not read for it.
#pragma once

#include <string>
#include <vector>

#include "catalog/configuration.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

catalog::Supply to_catalog(const v1::Supply& message);
v1::Supply to_message(const catalog::Supply& supply);

// Error(kInvalidInput) unless a set with these destinations can have it.
void check_supply(const catalog::Supply& supply, const std::vector<std::string>& destinations);

// Of the set's destinations, in its order, those that may supply a run that feeds `fed`. None that is fed
// itself: that one gets what is read.
std::vector<std::string> suppliers_of(const catalog::BackupSet& set, const std::vector<std::string>& fed);

}  // namespace garner::daemon
