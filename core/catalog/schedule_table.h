// When sets are backed up by themselves: what was configured, and what their schedules remember. It is kept
// here and never at a destination: conditions name commands, which must not come from a repository.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog_file.h"
#include "schedule/mark.h"

namespace garner::catalog {

// Of one set.
struct SetSchedule {
  struct Entry {
    std::string destination;  // empty: those of the set that have no entry of their own
    std::string text;
    schedule::Instant anchor;  // when it was configured: "every 6h" counts from here
    bool operator==(const Entry&) const = default;
  };
  struct Condition {
    std::string text;
    std::uint32_t user = 0;  // who configured it: a command runs as this user
    bool operator==(const Condition&) const = default;
  };
  std::vector<Entry> entries;  // at most one a destination
  std::string zone;            // empty: the system's
  schedule::Duration random_delay{0};
  std::vector<std::string> windows;
  std::vector<Condition> conditions;
  schedule::Duration overdue_after{0};  // 0: never overdue
  schedule::Instant overdue_since;      // a set that never ran is overdue from then on
  bool operator==(const SetSchedule&) const = default;
};

// Columns served, wall, boot, boot_id, guessed, served_before of a row, beginning at `column`.
schedule::Mark read_mark(const Statement& row, int column);
std::optional<std::int64_t> to_microseconds(const std::optional<schedule::Instant>& time);

// By an entry's destination.
using ScheduleMarks = std::map<std::string, schedule::Mark>;

// Any thread. Changes are durable when they return.
class ScheduleTable {
 public:
  explicit ScheduleTable(CatalogFile& file) : file_(file) {}

  // Nothing for a set that was never given any of it.
  std::optional<SetSchedule> find(const std::string& set);
  ScheduleMarks marks(const std::string& set);
  // Nothing is kept when the set has no such entry any more.
  void save_mark(const std::string& set, const std::string& destination, const schedule::Mark& mark);

  // The file system that was found at a destination, by its UUID; empty where none is known.
  std::string file_system(const std::string& destination);
  void save_file_system(const std::string& destination, const std::string& uuid);

  // Within a change of the configuration: replaces what the set has. Marks stay for entries that stay as they
  // are, with the zone; those that are new or changed get `fresh`.
  static void replace(Database& database, const std::string& set, const SetSchedule& schedule,
                      const schedule::Mark& fresh);
  // Within the change that adds a run: both are durable, or neither.
  static void write_mark(Database& database, const std::string& set, const std::string& destination,
                         const schedule::Mark& mark);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
