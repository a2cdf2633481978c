// What is done with each destination by itself, prune and check: when, what their schedules remember, and
// which runs were the last. Kept here and never at a destination.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "catalog/catalog_file.h"
#include "schedule/mark.h"

namespace garner::catalog {

// Stored as numbers: never renumbered.
enum class MaintenanceKind : std::uint8_t { kPrune = 1, kCheck = 2 };

// Of one destination; as it stands here where nothing was configured.
struct MaintenanceSettings {
  std::string prune = "weekly";  // a schedule; empty: only when somebody asks for it
  std::string check = "daily";   // the same
  schedule::Duration check_period =
      std::chrono::hours(24 * 30);  // checks by schedule read everything once in it
  schedule::Instant anchor;         // when the schedules were configured: "every 6d" counts from here
  bool operator==(const MaintenanceSettings&) const = default;

  const std::string& schedule(MaintenanceKind kind) const {
    return kind == MaintenanceKind::kPrune ? prune : check;
  }
};

using MaintenanceMarks = std::map<MaintenanceKind, schedule::Mark>;

// Any thread. Changes are durable when they return. Nothing is kept of a destination that is not there.
class MaintenanceTable {
 public:
  explicit MaintenanceTable(CatalogFile& file) : file_(file) {}

  MaintenanceSettings settings(const std::string& destination);
  // Marks of schedules that change go, so that these begin anew.
  void save(const std::string& destination, const MaintenanceSettings& settings);

  MaintenanceMarks marks(const std::string& destination);
  void save_mark(const std::string& destination, MaintenanceKind kind, const schedule::Mark& mark);
  // Within the change that adds a run: both are durable, or neither.
  static void write_mark(Database& database, const std::string& destination, MaintenanceKind kind,
                         const schedule::Mark& mark);

  // The last run of the kind that ended, whoever began it.
  std::optional<std::int64_t> last_run(const std::string& destination, MaintenanceKind kind);
  // Within the change that ends the run: nobody finds one here that is still going on. What could not be
  // noted at once comes late: nothing where the one that is there was added later and ended later, too.
  static void write_last_run(Database& database, const std::string& destination, MaintenanceKind kind,
                             std::int64_t run);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
