// Checks what opens a repository: header, key slots, log.
#pragma once

#include <string>

#include "maintenance/check_report.h"
#include "store/repository.h"

namespace garner::maintenance {

// Header, key slots, and every record of the log from its first on, whose outcome must be `state`.
void check_log(store::Repository& repository, const store::v1::RepositoryState& state, CheckReport& report);

// Why the newest log cannot be used: it is missing, one of its records is not readable or does not continue
// the one before, or a segment that is live at its end is not readable; or it is refused, and what would
// accept it does not, because live packs are missing. Empty where it can.
// Error(kNewerFormat) where it takes a newer version to tell.
std::string why_unusable(store::Repository& repository);

}  // namespace garner::maintenance
