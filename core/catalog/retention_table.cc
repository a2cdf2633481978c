#include "catalog/retention_table.h"

namespace garner::catalog {

SetRetention RetentionTable::find(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  SetRetention retention;
  {
    Statement row = database.prepare("SELECT policy FROM set_retention WHERE set_name = ?", set);
    if (row.step()) retention.policy = row.blob(0);
  }
  Statement rows =
      database.prepare("SELECT destination, policy FROM set_destination_retention WHERE set_name = ?", set);
  while (rows.step()) retention.of_destinations.emplace(rows.text(0), rows.blob(1));
  return retention;
}

void RetentionTable::replace(Database& database, const std::string& set, const SetRetention& retention) {
  database.prepare("DELETE FROM set_retention WHERE set_name = ?", set).run();
  database.prepare("DELETE FROM set_destination_retention WHERE set_name = ?", set).run();
  if (retention.policy) {
    database.prepare("INSERT INTO set_retention (set_name, policy) VALUES (?, ?)", set, *retention.policy)
        .run();
  }
  for (const auto& [destination, policy] : retention.of_destinations) {
    database
        .prepare("INSERT INTO set_destination_retention (set_name, destination, policy) VALUES (?, ?, ?)",
                 set, destination, policy)
        .run();
  }
}

}  // namespace garner::catalog
