// Checks what opens a repository: header, key slots, log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "maintenance/check_report.h"
#include "store/repository.h"

namespace garner::maintenance {

// Header, key slots, and every record of the log from its first on, whose outcome must be `state`.
void check_log(store::Repository& repository, const store::v1::RepositoryState& state, CheckReport& report);

// The state at the record `last`, from the first of its log. `step`: before each record and state; may throw.
// `bad`: each state that cannot be used, is not what the records lead to, or is of a format or key that this
// program lacks. States are short cuts, which nothing rests on: but whoever opens the repository for the
// first time takes the newest. Errors of the log itself: as store::follow.
using BadState = std::function<void(const std::string& key, const Error&)>;
store::v1::RepositoryState replay_log(store::Repository& repository, std::uint64_t last,
                                      const std::function<void()>& step, const BadState& bad);

// Why the newest log cannot be used: it is missing, one of its records is not readable or does not continue
// the one before, or a segment that is live at its end is not readable; or it is refused, and what would
// accept it does not, because live packs are missing. Empty where it can.
// Error(kNewerFormat) where it takes a newer version to tell, Error(kWrongKey) where it takes newer keys, and
// the errors of what cannot be read just now: none of that is a reason to make another log.
std::string why_unusable(store::Repository& repository);

}  // namespace garner::maintenance
