// A server that is reached by SSH, as it is configured: from a URL and options (place.h) to a destination.
#pragma once

#include <memory>
#include <string>

#include "destination/place.h"
#include "destination/sftp/sftp.h"

namespace garner::destination {

// Error(kInvalidInput) for an option that such a server does not have, and for a value that it cannot have;
// empty is without.
void check_sftp_option(const std::string& name, const std::string& value);

// Reads none of the files that the options name: that is done at each login.
std::shared_ptr<SftpDestination> open_sftp(const std::string& url, const PlaceOptions& options,
                                           const PlaceContext& context);

}  // namespace garner::destination
