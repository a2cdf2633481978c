// What a request changes of how a destination is used, and what is told of it.
#pragma once

#include <map>
#include <string>

#include "catalog/destination_settings_table.h"
#include "destination/place.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// The settings with what the request changes. Error(kInvalidInput) for limits that cannot be read, a
// percentage that is none, and more than 100 limits.
catalog::DestinationSettings edited(catalog::DestinationSettings settings,
                                    const v1::DestinationSettingsChange& change);
v1::DestinationSettings to_message(const catalog::DestinationSettings& settings);
v1::RequestCounts to_message(const destination::RequestSums& sums);
// Sums of the run's requests, by destination.
void add_requests(v1::Run& run, const std::map<std::string, destination::RequestSums>& requests);
// Of a request.
destination::PlaceOptions to_options(const google::protobuf::Map<std::string, std::string>& options);

// Error(kInvalidInput): what a request says of a prune.
void check_percent(double percent);
void check_rewrite(std::uint64_t bytes);

// From now on these limits hold, in the system's time zone. Limits that a later version wrote and this one
// cannot read are told in the log, and do not hold.
void apply_limits(const catalog::DestinationSettings& settings, destination::Limits& limits);

}  // namespace garner::daemon
