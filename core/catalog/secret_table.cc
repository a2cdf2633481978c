#include "catalog/secret_table.h"

namespace garner::catalog {

std::optional<SecretReference> SecretTable::find(const std::string& destination) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare(
      "SELECT option, reference, share_keyring FROM destination_secrets WHERE destination = ?", destination);
  if (!row.step()) return std::nullopt;
  return SecretReference{row.text(0), row.text(1), row.integer(2) != 0};
}

void SecretTable::save(const std::string& destination, const SecretReference& reference) {
  file_.change([&](Database& database) {
    if (reference.option.empty()) {
      database.prepare("DELETE FROM destination_secrets WHERE destination = ?", destination).run();
      return;
    }
    database
        .prepare(
            "INSERT OR REPLACE INTO destination_secrets (destination, option, reference, share_keyring) "
            "SELECT name, ?, ?, ? FROM destinations WHERE name = ?",
            reference.option, reference.name, reference.share_keyring, destination)
        .run();
  });
}

}  // namespace garner::catalog
