// Checks that everything a snapshot refers to is there.
#pragma once

#include "maintenance/check_report.h"
#include "maintenance/pack_check.h"
#include "store/repository.h"

namespace garner::maintenance {

// Reads the trees and content lists of all listed snapshots, each once (again, where something is missing and
// the list has changed: a prune beside it may have removed what was forgotten), and looks every data blob up.
// What is missing or damaged is then traced to the files and snapshots that it touches. Memory: 16 bytes a
// tree or list.
void check_snapshots(store::Repository& repository, const PackDamage& damage, CheckReport& report);

}  // namespace garner::maintenance
