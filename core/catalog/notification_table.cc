#include "catalog/notification_table.h"

#include "base/error.h"

namespace garner::catalog {

namespace {

std::vector<std::string> read_sets(Database& database, const std::string& name) {
  std::vector<std::string> sets;
  Statement rows = database.prepare(
      "SELECT set_name FROM notification_sets WHERE notification = ? ORDER BY set_name", name);
  while (rows.step()) sets.push_back(rows.text(0));
  return sets;
}

bool is_there(Database& database, const std::string& name) {
  return database.prepare("SELECT 1 FROM notifications WHERE name = ?", name).step();
}

// New, or in place of the one of that name. Its row stays, and with it what it has still to tell.
void save(Database& database, const Notification& notification) {
  database
      .prepare(
          "INSERT INTO notifications (name, kind, target, headers, smtp, sender, smtp_user, password, "
          "ca_certificates, plain_smtp, user, events, target_file, header_file, password_file, ca_file) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
          "kind = excluded.kind, target = excluded.target, headers = excluded.headers, smtp = excluded.smtp, "
          "sender = excluded.sender, smtp_user = excluded.smtp_user, password = excluded.password, "
          "ca_certificates = excluded.ca_certificates, plain_smtp = excluded.plain_smtp, "
          "user = excluded.user, events = excluded.events, target_file = excluded.target_file, "
          "header_file = excluded.header_file, password_file = excluded.password_file, "
          "ca_file = excluded.ca_file",
          notification.name, static_cast<int>(notification.kind), notification.target, notification.headers,
          notification.smtp, notification.sender, notification.smtp_user, notification.password,
          notification.ca_certificates, notification.plain_smtp, notification.user, notification.events,
          notification.files.target, notification.files.headers, notification.files.password,
          notification.files.ca_certificates)
      .run();
  database.prepare("DELETE FROM notification_sets WHERE notification = ?", notification.name).run();
  for (const std::string& set : notification.sets) {
    database
        .prepare("INSERT OR IGNORE INTO notification_sets (notification, set_name) VALUES (?, ?)",
                 notification.name, set)
        .run();
  }
}

[[noreturn]] void refuse_unknown(const std::string& name) {
  throw Error(ErrorKind::kNotFound, "there is no notification '" + printable(name) + "'");
}

}  // namespace

std::vector<Notification> NotificationTable::read(Database& database) {
  std::vector<Notification> all;
  {
    Statement rows = database.prepare(
        "SELECT name, kind, target, headers, smtp, sender, smtp_user, password, ca_certificates, plain_smtp, "
        "user, events, target_file, header_file, password_file, ca_file FROM notifications ORDER BY name");
    while (rows.step()) {
      Notification one;
      one.name = rows.text(0);
      one.kind = static_cast<NotificationKind>(rows.integer(1));
      one.target = rows.text(2);
      one.headers = rows.text(3);
      one.smtp = rows.text(4);
      one.sender = rows.text(5);
      one.smtp_user = rows.text(6);
      one.password = rows.blob(7);
      one.ca_certificates = rows.text(8);
      one.plain_smtp = rows.integer(9) != 0;
      one.user = static_cast<std::uint32_t>(rows.integer(10));
      one.events = static_cast<NotificationEvents>(rows.integer(11));
      one.files = {rows.text(12), rows.text(13), rows.text(14), rows.text(15)};
      all.push_back(std::move(one));
    }
  }
  for (Notification& one : all) one.sets = read_sets(database, one.name);
  return all;
}

std::vector<Notification> NotificationTable::all() {
  Database& database = file_.database();
  const auto lock = database.lock();
  return read(database);
}

std::optional<Notification> NotificationTable::find(const std::string& name) {
  for (Notification& one : all()) {
    if (one.name == name) return std::move(one);
  }
  return std::nullopt;
}

void NotificationTable::add(const Notification& notification) {
  file_.change([&](Database& database) {
    if (is_there(database, notification.name)) {
      throw Error(ErrorKind::kAlreadyExists, "there is a notification '" + notification.name +
                                                 "' already: remove it first, or give this one another name");
    }
    save(database, notification);
  });
}

void NotificationTable::replace(const Notification& notification) {
  file_.change([&](Database& database) {
    if (!is_there(database, notification.name)) refuse_unknown(notification.name);
    save(database, notification);
  });
}

void NotificationTable::remove(const std::string& name) {
  file_.change([&](Database& database) {
    if (database.prepare("DELETE FROM notifications WHERE name = ?", name).run() == 0) refuse_unknown(name);
  });
}

}  // namespace garner::catalog
