// Backup sets: what may be one, and what is told of one.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "command_edit.h"
#include "destinations.h"
#include "schedule_edit.h"

namespace garner::daemon {

class Sets {
 public:
  explicit Sets(Destinations& destinations);

  // Within change() only with sources that look_at_sources() was asked about before: then no file system is
  // asked.
  enum class Sources { kToBeLookedAt, kLookedAt };
  v1::BackupSet add(const v1::AddSetRequest& request, const ScheduleContext& context = {},
                    Sources sources = Sources::kToBeLookedAt);
  v1::BackupSet edit(const v1::EditSetRequest& request, const ScheduleContext& context = {},
                     Sources sources = Sources::kToBeLookedAt);
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
  // Asks the file systems, which may take a while: Error(kInvalidInput) unless every source is an absolute
  // path, none lies in another, in a repository, in one of the folders `repositories` or in the state folder;
  // Error(kNotFound) for one that does not exist; Error(kReadFailed) where a file system does not answer.
  void look_at_sources(std::vector<std::string> sources, std::vector<std::string> repositories = {});
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
