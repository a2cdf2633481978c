#include "catalog/set_destination_table.h"

#include "catalog/run_table.h"

namespace garner::catalog {

std::map<std::string, SetDestinationState> SetDestinationTable::find(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::map<std::string, SetDestinationState> all;
  Statement rows = database.prepare(
      "SELECT destination, behind_since, reason, last_done, last_snapshot FROM set_destination_states "
      "WHERE set_name = ?",
      set);
  while (rows.step()) {
    SetDestinationState& state = all[rows.text(0)];
    state.behind_since = optional_time(rows, 1);
    state.reason = rows.text(2);
    state.last_done = optional_time(rows, 3);
    if (!rows.is_null(4)) state.last_snapshot = crypto::BlobId::from_bytes(rows.blob_view(4));
  }
  return all;
}

std::vector<SetDestinationTable::Behind> SetDestinationTable::behind() {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<Behind> all;
  Statement rows = database.prepare(
      "SELECT set_name, destination, behind_since FROM set_destination_states WHERE behind_since IS NOT NULL "
      "ORDER BY behind_since, set_name, destination");
  while (rows.step()) all.push_back({rows.text(0), rows.text(1), from_nanoseconds(rows.integer(2))});
  return all;
}

void SetDestinationTable::write_behind(Database& database, const std::string& set,
                                       const std::string& destination, TimePoint since,
                                       const std::string& reason) {
  database
      .prepare(
          "INSERT INTO set_destination_states (set_name, destination, behind_since, reason) "
          "SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM sets WHERE name = ?1) "
          "ON CONFLICT (set_name, destination) DO UPDATE SET "
          "behind_since = coalesce(behind_since, excluded.behind_since), reason = excluded.reason",
          set, destination, to_nanoseconds(since), reason)
      .run();
}

void SetDestinationTable::mark_behind(const std::string& set, const std::string& destination, TimePoint since,
                                      const std::string& reason) {
  Database& database = file_.database();
  const auto lock = database.lock();
  write_behind(database, set, destination, since, reason);
}

void SetDestinationTable::mark_done(const std::string& set, const std::string& destination,
                                    const crypto::BlobId& snapshot, TimePoint time) {
  Database& database = file_.database();
  const auto lock = database.lock();
  database
      .prepare(
          "INSERT INTO set_destination_states (set_name, destination, reason, last_done, last_snapshot) "
          "SELECT ?1, ?2, '', ?3, ?4 WHERE EXISTS (SELECT 1 FROM sets WHERE name = ?1) "
          "ON CONFLICT (set_name, destination) DO UPDATE SET behind_since = NULL, reason = '', "
          "last_done = excluded.last_done, last_snapshot = excluded.last_snapshot",
          set, destination, to_nanoseconds(time), snapshot.view())
      .run();
}

void SetDestinationTable::forget(Database& database, const std::string& set, const std::string& destination) {
  database
      .prepare("DELETE FROM set_destination_states WHERE set_name = ? AND destination = ?", set, destination)
      .run();
}

}  // namespace garner::catalog
