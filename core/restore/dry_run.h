// Counts what a restore would do, and changes nothing.
#pragma once

#include <memory>
#include <stop_token>

#include "restore/plan.h"
#include "restore/report.h"
#include "restore/target_folder.h"

namespace garner::restore {

// `target`: null where it does not exist. Files that would be written count as done, the others as
// skipped; what would be in the way is told as an error.
void run_dry(store::Repository& repository, const Plan& plan, const RestoreOptions& options,
             const std::shared_ptr<TargetFolder>& target, Report& report, const std::stop_token& stop);

}  // namespace garner::restore
