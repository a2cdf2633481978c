// An S3 store as it is configured: from a URL and options (place.h) to a destination.
#pragma once

#include <memory>
#include <string>

#include "destination/place.h"
#include "destination/s3/s3.h"

namespace garner::destination {

// Error(kInvalidInput) for an option that an S3 store does not have, and for a value that it cannot have;
// empty is without.
void check_s3_option(const std::string& name, const std::string& value);

std::shared_ptr<S3Destination> open_s3(const std::string& url, const PlaceOptions& options,
                                       const PlaceContext& context);

}  // namespace garner::destination
