// The catalog's tables and the steps that lead from one version of them to the next.
#pragma once

#include <cstdint>

#include "catalog/database.h"

namespace garner::catalog {

// Of the tables this program writes; PRAGMA user_version of the file.
std::int64_t schema_version();

// Brings the file up to schema_version(), or to an earlier one, in one transaction.
// Error(kNewerFormat) for a file that a later version made; nothing is changed then.
void migrate(Database& database, std::int64_t version_wanted = schema_version());

}  // namespace garner::catalog
