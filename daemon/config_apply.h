// `config apply`: the configuration from a file.
//
// Everything is read and checked first, and what is wrong is told together. The check makes the
// changes in a transaction of the catalog that is rolled back, so that what may be is decided where it always
// is. Then destinations that are new are made or opened, one by one, as `destination add` does; last, all
// other changes are made in one transaction.
//
// Cut off before a destination is remembered, what the same file completes is left there; cut off before the
// transaction, the destinations that were made are there and nothing else has changed; after it, everything
// has, but for the facts of destinations that were removed (see Configuration). Applying the file again does
// what is left.
//
// What the file names is then as the file says: what it does not say of it is as
// without. Others stay, unless they are to be removed.
#pragma once

#include "config_parts.h"
#include "garner/v1/service.pb.h"
#include "schedule_edit.h"

namespace garner::daemon {

// One at a time. Errors are those that say nothing of the file: of the catalog.
v1::ApplyConfigurationResponse apply_config(const ConfigParts& parts,
                                            const v1::ApplyConfigurationRequest& request,
                                            const ScheduleContext& context);

}  // namespace garner::daemon
