// Notifications as configured: whom to tell of what. Kept here and never at a destination, for they name
// commands and hold secrets: an address with a token in it, header fields, a password. The catalog's file is
// for the daemon's user alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog_file.h"

namespace garner::catalog {

// Stored as numbers: never renumbered.
enum class NotificationKind : std::uint8_t { kWebhook = 1, kPing = 2, kMail = 3, kCommand = 4 };

// Bits of a set.
enum class NotificationEvent : std::uint32_t {
  kStart = 1,
  kSuccess = 2,
  kErrors = 4,
  kFailure = 8,
  kOverdue = 16,
  kRecovery = 32,
};
using NotificationEvents = std::uint32_t;

constexpr NotificationEvents bit(NotificationEvent event) { return static_cast<NotificationEvents>(event); }

// Where its secrets were read from, for the configuration as a file: absolute paths, empty for what came
// from none.
struct NotificationFiles {
  std::string target;
  std::string headers;
  std::string password;
  std::string ca_certificates;
  bool operator==(const NotificationFiles&) const = default;
};

struct Notification {
  std::string name;
  NotificationKind kind = NotificationKind::kWebhook;
  std::string target;           // an http or https URL, an address, a shell command
  std::string headers;          // of a webhook: "Name: value" lines
  std::string smtp;             // of mail: an smtp or smtps URL
  std::string sender;           // of mail; empty: made from the host's name
  std::string smtp_user;        // of mail; empty: without logging in
  Bytes password;               // of mail
  std::string ca_certificates;  // PEM; empty: the system's
  bool plain_smtp = false;      // of mail: without TLS where the server has none
  std::uint32_t user = 0;       // who configured it: a command runs as this user
  NotificationEvents events = 0;
  std::vector<std::string> sets;  // in name order; none: everything
  NotificationFiles files;
  bool operator==(const Notification&) const = default;
};

// Any thread. Changes are durable when they return.
class NotificationTable {
 public:
  explicit NotificationTable(CatalogFile& file) : file_(file) {}

  // In name order.
  std::vector<Notification> all();
  std::optional<Notification> find(const std::string& name);
  // Error(kAlreadyExists).
  void add(const Notification& notification);
  // Makes the one of that name so; what it has still to tell stays. Error(kNotFound).
  void replace(const Notification& notification);
  // With what it has still to tell. Error(kNotFound).
  void remove(const std::string& name);

  // Within a change of the catalog.
  static std::vector<Notification> read(Database& database);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
