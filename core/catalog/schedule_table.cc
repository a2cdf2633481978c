#include "catalog/schedule_table.h"

#include <algorithm>

namespace garner::catalog {

namespace {

using schedule::Duration;
using schedule::Instant;

enum class RuleKind { kWindow = 1, kCondition = 2 };

std::int64_t number(Instant time) { return time.time_since_epoch().count(); }
Instant instant(std::int64_t microseconds) { return Instant(Duration(microseconds)); }

std::vector<SetSchedule::Entry> read_entries(Database& database, const std::string& set) {
  std::vector<SetSchedule::Entry> entries;
  Statement rows = database.prepare(
      "SELECT destination, expression, anchor FROM set_schedule_entries WHERE set_name = ? ORDER BY "
      "destination",
      set);
  while (rows.step()) entries.push_back({rows.text(0), rows.text(1), instant(rows.integer(2))});
  return entries;
}

void read_rules(Database& database, const std::string& set, SetSchedule& schedule) {
  Statement rows = database.prepare(
      "SELECT kind, text, user FROM set_schedule_rules WHERE set_name = ? ORDER BY kind, position", set);
  while (rows.step()) {
    if (rows.integer(0) == static_cast<int>(RuleKind::kWindow)) {
      schedule.windows.push_back(rows.text(1));
    } else {
      schedule.conditions.push_back({rows.text(1), static_cast<std::uint32_t>(rows.integer(2))});
    }
  }
}

std::optional<SetSchedule> read_schedule(Database& database, const std::string& set) {
  SetSchedule schedule;
  {
    Statement row = database.prepare(
        "SELECT zone, random_delay, overdue_after, overdue_since FROM set_schedules WHERE set_name = ?", set);
    if (!row.step()) return std::nullopt;
    schedule.zone = row.text(0);
    schedule.random_delay = Duration(row.integer(1));
    schedule.overdue_after = Duration(row.integer(2));
    schedule.overdue_since = instant(row.integer(3));
  }
  schedule.entries = read_entries(database, set);
  read_rules(database, set, schedule);
  return schedule;
}

void insert_rule(Database& database, const std::string& set, RuleKind kind, std::size_t position,
                 const std::string& text, std::uint32_t user) {
  database
      .prepare("INSERT INTO set_schedule_rules (set_name, kind, position, text, user) VALUES (?, ?, ?, ?, ?)",
               set, static_cast<int>(kind), static_cast<std::uint64_t>(position), text, user)
      .run();
}

}  // namespace

schedule::Mark read_mark(const Statement& row, int column) {
  schedule::Mark mark{instant(row.integer(column)),      instant(row.integer(column + 1)),
                      Duration(row.integer(column + 2)), row.text(column + 3),
                      row.integer(column + 4) != 0,      {}};
  if (!row.is_null(column + 5)) mark.before = instant(row.integer(column + 5));
  return mark;
}

std::optional<std::int64_t> to_microseconds(const std::optional<Instant>& time) {
  if (!time.has_value()) return std::nullopt;
  return number(*time);
}

std::optional<SetSchedule> ScheduleTable::find(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return read_schedule(database, set);
}

ScheduleMarks ScheduleTable::marks(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  ScheduleMarks marks;
  Statement rows = database.prepare(
      "SELECT destination, served, wall, boot, boot_id, guessed, served_before FROM set_schedule_marks "
      "WHERE set_name = ?",
      set);
  while (rows.step()) marks.emplace(rows.text(0), read_mark(rows, 1));
  return marks;
}

void ScheduleTable::write_mark(Database& database, const std::string& set, const std::string& destination,
                               const schedule::Mark& mark) {
  // Only where the entry is: a run may begin for one that was just taken away.
  database
      .prepare(
          "INSERT OR REPLACE INTO set_schedule_marks "
          "(set_name, destination, served, wall, boot, boot_id, guessed, served_before) "
          "SELECT set_name, destination, ?, ?, ?, ?, ?, ? FROM set_schedule_entries "
          "WHERE set_name = ? AND destination = ?",
          number(mark.served), number(mark.wall), mark.boot.count(), mark.boot_id, mark.guessed,
          to_microseconds(mark.before), set, destination)
      .run();
}

void ScheduleTable::save_mark(const std::string& set, const std::string& destination,
                              const schedule::Mark& mark) {
  file_.change([&](Database& database) { write_mark(database, set, destination, mark); });
}

void ScheduleTable::replace(Database& database, const std::string& set, const SetSchedule& schedule,
                            const schedule::Mark& fresh) {
  const std::optional<SetSchedule> old = read_schedule(database, set);
  database
      .prepare(
          "INSERT OR REPLACE INTO set_schedules (set_name, zone, random_delay, overdue_after, overdue_since) "
          "VALUES (?, ?, ?, ?, ?)",
          set, schedule.zone, schedule.random_delay.count(), schedule.overdue_after.count(),
          number(schedule.overdue_since))
      .run();
  database.prepare("DELETE FROM set_schedule_rules WHERE set_name = ?", set).run();
  for (std::size_t i = 0; i < schedule.windows.size(); ++i)
    insert_rule(database, set, RuleKind::kWindow, i, schedule.windows[i], 0);
  for (std::size_t i = 0; i < schedule.conditions.size(); ++i)
    insert_rule(database, set, RuleKind::kCondition, i, schedule.conditions[i].text,
                schedule.conditions[i].user);

  const auto stays = [&](const SetSchedule::Entry& entry) {
    return old.has_value() && old->zone == schedule.zone &&
           std::find(old->entries.begin(), old->entries.end(), entry) != old->entries.end();
  };
  const std::vector<SetSchedule::Entry> before =
      old.has_value() ? old->entries : std::vector<SetSchedule::Entry>();
  for (const SetSchedule::Entry& entry : before) {
    const bool kept = stays(entry) && std::find(schedule.entries.begin(), schedule.entries.end(), entry) !=
                                          schedule.entries.end();
    if (kept) continue;
    // Its mark goes with it.
    database
        .prepare("DELETE FROM set_schedule_entries WHERE set_name = ? AND destination = ?", set,
                 entry.destination)
        .run();
  }
  for (const SetSchedule::Entry& entry : schedule.entries) {
    if (stays(entry)) continue;
    database
        .prepare(
            "INSERT INTO set_schedule_entries (set_name, destination, expression, anchor) VALUES (?, ?, ?, "
            "?)",
            set, entry.destination, entry.text, number(entry.anchor))
        .run();
    write_mark(database, set, entry.destination, fresh);
  }
}

std::string ScheduleTable::file_system(const std::string& destination) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row =
      database.prepare("SELECT file_system FROM destination_disks WHERE destination = ?", destination);
  return row.step() ? row.text(0) : std::string();
}

void ScheduleTable::save_file_system(const std::string& destination, const std::string& uuid) {
  file_.change([&](Database& database) {
    database
        .prepare(
            "INSERT OR REPLACE INTO destination_disks (destination, file_system) "
            "SELECT name, ? FROM destinations WHERE name = ?",
            uuid, destination)
        .run();
  });
}

}  // namespace garner::catalog
