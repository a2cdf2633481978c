// Backup sets: what may be one, and what is told of one.
#pragma once

#include <functional>
#include <mutex>

#include "command_edit.h"
#include "destinations.h"
#include "schedule_edit.h"

namespace garner::daemon {

class Sets {
 public:
  explicit Sets(Destinations& destinations)
      : destinations_(destinations), catalog_(destinations.context().catalog) {}

  v1::BackupSet add(const v1::AddSetRequest& request, const ScheduleContext& context = {});
  v1::BackupSet edit(const v1::EditSetRequest& request, const ScheduleContext& context = {});
  // With one rule more, after those that it has by now.
  v1::BackupSet add_rule(const std::string& name, const std::string& rule);
  // Makes changes of sets and of the catalog's other tables together, or none of them. Not within the
  // catalog's own change(): whoever edits a set takes the lock of sets first, and the catalog's after it.
  void change(const std::function<void(catalog::Database&)>& work);
  void remove(const std::string& name) { catalog_.configuration().remove_set(name); }
  // Error(kNotFound) names the sets that there are.
  catalog::BackupSet get(const std::string& name);
  // Without last_run, which runs know.
  v1::BackupSet describe(const catalog::BackupSet& set);
  // How its destinations stand with it.
  void describe_destinations(const catalog::BackupSet& set, v1::SetStatus& status);
  // Error(kInvalidInput) unless every source is an absolute path, none lies in another, in a repository or in
  // the state folder; Error(kNotFound) for one that does not exist. Makes the paths normal.
  void check_sources(store::v1::SetDefinition& definition, const catalog::SetCommands& commands);
  // Error(kInvalidInput) unless there is one at least, each once, and all have the same keys;
  // Error(kNotFound).
  void check_destinations(const std::vector<std::string>& names);
  // By the views of the set's destinations.
  std::uint64_t snapshots(const catalog::BackupSet& set);

  // After the catalog was lost: makes sets again from the newest snapshot of each set that this host has at
  // the destination; those that were made again from another get this one as well. Returns the names. Errors
  // of the destination.
  std::vector<std::string> recover(const std::string& destination);

 private:
  void note_destinations(catalog::Database& database, const catalog::BackupSet& set,
                         const std::vector<std::string>& before, bool any_snapshot);

  Destinations& destinations_;
  catalog::Catalog& catalog_;
  // From what was read to what is written: of two edits at once none is lost.
  std::recursive_mutex editing_;
};

}  // namespace garner::daemon
