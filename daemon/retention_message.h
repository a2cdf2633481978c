// Retention policies as messages of the API, and as the catalog keeps them.
#pragma once

#include "catalog/retention_table.h"
#include "garner/v1/service.pb.h"
#include "maintenance/retention.h"

namespace garner::daemon {

// Error(kInvalidInput) for a duration that is none, or a number above 100,000.
maintenance::RetentionPolicy to_policy(const v1::Retention& message);
v1::Retention to_message(const maintenance::RetentionPolicy& policy);
// The message with what the edit has in place of its own.
v1::Retention edited(v1::Retention message, const v1::RetentionEdit& edit);

// Of a set; without a rule where it has none. Error(kDamaged).
v1::Retention load_retention(catalog::RetentionTable& table, const std::string& set);
// Checks it first. One without a rule is removed.
void save_retention(catalog::RetentionTable& table, const std::string& set, const v1::Retention& message);

}  // namespace garner::daemon
