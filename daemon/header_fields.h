// Header fields that a person gives for requests to a web server. They may hold secrets. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace garner::daemon {

// "Name: value" lines, each ended by LF, of text whose lines may end with CR LF and may be empty.
// Error(kInvalidInput) tells lines by their number, not by what they hold: also for fields that garner sets
// itself and for control characters, with which a field could end and another begin.
std::string checked_headers(std::string_view text);

}  // namespace garner::daemon
