#include "catalog/delivery_table.h"

#include <algorithm>

#include "catalog/run_table.h"

namespace garner::catalog {

namespace {

// Whoever removes a notification while it delivers leaves no row behind.
void make_row(Database& database, const std::string& notification) {
  database
      .prepare(
          "INSERT OR IGNORE INTO notification_deliveries (notification, delivered, given_up, attempts, "
          "last_error) SELECT name, 0, 0, 0, '' FROM notifications WHERE name = ?",
          notification)
      .run();
}

std::uint64_t remove_up_to(Database& database, const std::string& notification, std::int64_t last) {
  return static_cast<std::uint64_t>(
      database
          .prepare("DELETE FROM notification_queue WHERE notification = ? AND id <= ?", notification, last)
          .run());
}

std::uint64_t count_queued(Database& database, const std::string& notification) {
  Statement row =
      database.prepare("SELECT count(*) FROM notification_queue WHERE notification = ?", notification);
  row.step();
  return row.unsigned_integer(0);
}

// One more than there may be: the oldest goes.
void make_room(Database& database, const std::string& notification) {
  if (count_queued(database, notification) < DeliveryTable::kMostQueued) return;
  database
      .prepare(
          "DELETE FROM notification_queue WHERE id = (SELECT min(id) FROM notification_queue WHERE "
          "notification = ?)",
          notification)
      .run();
  make_row(database, notification);
  database
      .prepare("UPDATE notification_deliveries SET given_up = given_up + 1 WHERE notification = ?",
               notification)
      .run();
}

}  // namespace

DeliveryState DeliveryTable::state(const std::string& notification) {
  Database& database = file_.database();
  const auto lock = database.lock();
  DeliveryState state;
  state.waiting = count_queued(database, notification);
  Statement row = database.prepare(
      "SELECT delivered, last_delivered, given_up, attempts, next_attempt, last_error FROM "
      "notification_deliveries WHERE notification = ?",
      notification);
  if (!row.step()) return state;
  state.delivered = row.unsigned_integer(0);
  state.last_delivered = optional_time(row, 1);
  state.given_up = row.unsigned_integer(2);
  state.attempts = static_cast<std::uint32_t>(row.integer(3));
  state.next_attempt = optional_time(row, 4);
  state.last_error = row.text(5);
  return state;
}

std::vector<QueuedEvent> DeliveryTable::queued(const std::string& notification, std::uint64_t limit) {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<QueuedEvent> events;
  Statement rows = database.prepare(
      "SELECT id, event, set_name, run, text, time FROM notification_queue WHERE notification = ? ORDER BY "
      "id LIMIT ?",
      notification, limit);
  while (rows.step()) {
    QueuedEvent event;
    event.id = rows.integer(0);
    event.event = static_cast<NotificationEvent>(rows.integer(1));
    event.set = rows.text(2);
    if (!rows.is_null(3)) event.run = rows.integer(3);
    event.text = rows.text(4);
    event.time = from_nanoseconds(rows.integer(5));
    events.push_back(std::move(event));
  }
  return events;
}

// How deliveries go is no change that a copy of the catalog would have to be known by: no stamp is written.

void DeliveryTable::note_delivered(const std::string& notification, std::int64_t last, TimePoint now) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Transaction transaction(database);
  remove_up_to(database, notification, last);
  make_row(database, notification);
  database
      .prepare(
          "UPDATE notification_deliveries SET delivered = delivered + 1, last_delivered = ?, attempts = 0, "
          "next_attempt = NULL, last_error = '' WHERE notification = ?",
          to_nanoseconds(now), notification)
      .run();
  transaction.commit();
}

void DeliveryTable::note_failed(const std::string& notification, const std::string& error, TimePoint next) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Transaction transaction(database);
  make_row(database, notification);
  database
      .prepare(
          "UPDATE notification_deliveries SET attempts = attempts + 1, next_attempt = ?, last_error = ? "
          "WHERE notification = ?",
          to_nanoseconds(next), error, notification)
      .run();
  transaction.commit();
}

std::uint64_t DeliveryTable::give_up(const std::string& notification, std::int64_t last,
                                     const std::string& error) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Transaction transaction(database);
  const std::uint64_t events = remove_up_to(database, notification, last);
  make_row(database, notification);
  database
      .prepare(
          "UPDATE notification_deliveries SET given_up = given_up + ?, attempts = 0, next_attempt = NULL, "
          "last_error = ? WHERE notification = ?",
          events, error, notification)
      .run();
  transaction.commit();
  return events;
}

void DeliveryTable::queue(Database& database, const QueuedEvent& event) {
  for (const Notification& notification : NotificationTable::read(database)) {
    if ((notification.events & bit(event.event)) == 0) continue;
    const auto& sets = notification.sets;
    if (!sets.empty() && std::find(sets.begin(), sets.end(), event.set) == sets.end()) continue;
    make_room(database, notification.name);
    database
        .prepare(
            "INSERT INTO notification_queue (notification, event, set_name, run, text, time) VALUES (?, ?, "
            "?, ?, ?, ?)",
            notification.name, bit(event.event), event.set, event.run, event.text, to_nanoseconds(event.time))
        .run();
  }
}

std::optional<DeliveryTable::Trouble> DeliveryTable::trouble_of(const std::string& subject) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return trouble(database, subject);
}

std::optional<DeliveryTable::Trouble> DeliveryTable::trouble(Database& database, const std::string& subject) {
  Statement row =
      database.prepare("SELECT overdue_told FROM notification_troubles WHERE subject = ?", subject);
  if (!row.step()) return std::nullopt;
  return Trouble{row.integer(0) != 0};
}

void DeliveryTable::set_trouble(Database& database, const std::string& subject, Trouble trouble) {
  database
      .prepare("INSERT OR REPLACE INTO notification_troubles (subject, overdue_told) VALUES (?, ?)", subject,
               trouble.overdue_told)
      .run();
}

void DeliveryTable::clear_trouble(Database& database, const std::string& subject) {
  database.prepare("DELETE FROM notification_troubles WHERE subject = ?", subject).run();
}

}  // namespace garner::catalog
