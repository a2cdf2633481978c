// What is worth telling: from a run's new state, and from a set that becomes overdue.
//
// What failed, had errors or is overdue is in trouble until its next clean run, which is then a recovery.
// Each set is a subject by itself, and so is each kind of other run of each destination. Trouble is
// remembered in the catalog, in the same change as the state that caused it.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace garner::daemon {

// Within the change of the catalog that writes the run's state: queues what that means.
//
//   a backup begins (its first attempt)                start
//   a run fails, or finds damage                       failure
//   a run ends with errors, or is incomplete           errors
//   a backup is clean                                  recovery after trouble, then success
//   another run is clean                               recovery after trouble
//
// Nothing for restores, which somebody waits for, nor for what a person cancels.
void record_run(catalog::Database& database, const catalog::RunRow& row, TimePoint now);

// A set that has no clean backup for longer than it is allowed to.
struct OverdueSet {
  std::string name;
  std::string text;  // a sentence
};
// Queues those that were not told of yet, and forgets those that are not overdue any more. True when one was
// queued.
bool record_overdue(catalog::Catalog& catalog, const std::vector<OverdueSet>& overdue,
                    const std::vector<std::string>& sets, TimePoint now);

// "start", "success", "errors", …
std::string name_of(catalog::NotificationEvent event);
// Error(kInvalidInput) for a name that is none.
catalog::NotificationEvent event_named(const std::string& name);
// In the order of their numbers.
std::vector<catalog::NotificationEvent> events_in(catalog::NotificationEvents events);

}  // namespace garner::daemon
