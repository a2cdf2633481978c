#include "catalog/maintenance_table.h"

#include "catalog/schedule_table.h"

namespace garner::catalog {

namespace {

using schedule::Duration;
using schedule::Instant;

MaintenanceSettings read_settings(Database& database, const std::string& destination) {
  MaintenanceSettings settings;
  Statement row = database.prepare(
      "SELECT prune_schedule, check_schedule, check_period, anchor FROM destination_maintenance "
      "WHERE destination = ?",
      destination);
  if (!row.step()) return settings;
  settings.prune = row.text(0);
  settings.check = row.text(1);
  settings.check_period = Duration(row.integer(2));
  settings.anchor = Instant(Duration(row.integer(3)));
  return settings;
}

}  // namespace

MaintenanceSettings MaintenanceTable::settings(const std::string& destination) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return read_settings(database, destination);
}

void MaintenanceTable::save(const std::string& destination, const MaintenanceSettings& settings) {
  file_.change([&](Database& database) {
    const MaintenanceSettings old = read_settings(database, destination);
    for (const MaintenanceKind kind : {MaintenanceKind::kPrune, MaintenanceKind::kCheck}) {
      if (old.schedule(kind) == settings.schedule(kind)) continue;
      database
          .prepare("DELETE FROM destination_maintenance_marks WHERE destination = ? AND kind = ?",
                   destination, static_cast<int>(kind))
          .run();
    }
    database
        .prepare(
            "INSERT OR REPLACE INTO destination_maintenance "
            "(destination, prune_schedule, check_schedule, check_period, anchor) "
            "SELECT name, ?, ?, ?, ? FROM destinations WHERE name = ?",
            settings.prune, settings.check, settings.check_period.count(),
            settings.anchor.time_since_epoch().count(), destination)
        .run();
  });
}

MaintenanceMarks MaintenanceTable::marks(const std::string& destination) {
  Database& database = file_.database();
  const auto lock = database.lock();
  MaintenanceMarks marks;
  Statement rows = database.prepare(
      "SELECT kind, served, wall, boot, boot_id, guessed, served_before FROM destination_maintenance_marks "
      "WHERE destination = ?",
      destination);
  while (rows.step()) marks.emplace(static_cast<MaintenanceKind>(rows.integer(0)), read_mark(rows, 1));
  return marks;
}

void MaintenanceTable::write_mark(Database& database, const std::string& destination, MaintenanceKind kind,
                                  const schedule::Mark& mark) {
  database
      .prepare(
          "INSERT OR REPLACE INTO destination_maintenance_marks "
          "(destination, kind, served, wall, boot, boot_id, guessed, served_before) "
          "SELECT name, ?, ?, ?, ?, ?, ?, ? FROM destinations WHERE name = ?",
          static_cast<int>(kind), to_microseconds(mark.served), to_microseconds(mark.wall), mark.boot.count(),
          mark.boot_id, mark.guessed, to_microseconds(mark.before), destination)
      .run();
}

void MaintenanceTable::save_mark(const std::string& destination, MaintenanceKind kind,
                                 const schedule::Mark& mark) {
  file_.change([&](Database& database) { write_mark(database, destination, kind, mark); });
}

std::optional<std::int64_t> MaintenanceTable::last_run(const std::string& destination, MaintenanceKind kind) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare("SELECT run FROM destination_last_runs WHERE destination = ? AND kind = ?",
                                   destination, static_cast<int>(kind));
  if (!row.step()) return std::nullopt;
  return row.integer(0);
}

void MaintenanceTable::write_last_run(Database& database, const std::string& destination,
                                      MaintenanceKind kind, std::int64_t run) {
  database
      .prepare(
          "INSERT INTO destination_last_runs (destination, kind, run) "
          "SELECT name, ?, ? FROM destinations WHERE name = ? "
          "ON CONFLICT (destination, kind) DO UPDATE SET run = excluded.run "
          "WHERE excluded.run > destination_last_runs.run OR "
          "(SELECT finished FROM runs WHERE number = excluded.run) > "
          "(SELECT finished FROM runs WHERE number = destination_last_runs.run)",
          static_cast<int>(kind), run, destination)
      .run();
}

}  // namespace garner::catalog
