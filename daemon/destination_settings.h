// What a request changes of how a destination is used, and what is told of it.
#pragma once

#include "catalog/destination_settings_table.h"
#include "destination/throttled.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// The settings with what the request changes. Error(kInvalidInput) for limits that cannot be read, a
// percentage that is none, and more than 100 limits.
catalog::DestinationSettings edited(catalog::DestinationSettings settings,
                                    const v1::DestinationSettingsChange& change);
v1::DestinationSettings to_message(const catalog::DestinationSettings& settings);

// Error(kInvalidInput): what a request says of a prune.
void check_percent(double percent);
void check_rewrite(std::uint64_t bytes);

// From now on these limits hold, in the system's time zone. Limits that a later version wrote and this one
// cannot read are told in the log, and do not hold.
void apply_limits(const catalog::DestinationSettings& settings, destination::Limits& limits);

}  // namespace garner::daemon
