// How things stand for a monitoring system, after the conventions of Nagios' plugins: an exit code, and one
// line with performance data behind a `|`. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "garner/v1/service.pb.h"

namespace garner::client {

enum class CheckCode : int { kWell = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

struct CheckResult {
  CheckCode code = CheckCode::kWell;
  std::string line;  // without a line end
};

// Of these sets and their destinations; none: of everything. `now`: seconds since 1970.
//
//   critical   a set's last backup failed; a set is overdue; damage was found at a destination; a destination
//   is
//              refused or needs repair
//   warning    a set's last backup had errors, or it has none; an unfinished backup waits for longer than an
//   hour;
//              a destination is away; no check of it has finished for 40 days; a notification fails
//   unknown    a set that is not there
CheckResult check_status(const v1::Status& status, const std::vector<std::string>& sets, std::int64_t now);

// A line for what keeps the status from being known.
CheckResult check_failure(CheckCode code, const std::string& message);

}  // namespace garner::client
