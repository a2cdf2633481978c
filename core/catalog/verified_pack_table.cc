#include "catalog/verified_pack_table.h"

#include <unordered_set>

namespace garner::catalog {

namespace {

bool has_destination(Database& database, const std::string& name) {
  return database.prepare("SELECT 1 FROM destinations WHERE name = ?", name).step();
}

std::vector<VerifiedPack> read_packs(Database& database, const std::string& destination) {
  std::vector<VerifiedPack> packs;
  Statement rows = database.prepare(
      "SELECT name, size, first_seen, verified, damaged FROM verified_packs WHERE destination = ?",
      destination);
  while (rows.step()) {
    VerifiedPack pack{store::ObjectName::from_bytes(rows.blob_view(0)), rows.unsigned_integer(1),
                      rows.integer(2), std::nullopt, rows.integer(4) != 0};
    if (!rows.is_null(3)) pack.verified = rows.integer(3);
    packs.push_back(pack);
  }
  return packs;
}

}  // namespace

std::vector<VerifiedPack> VerifiedPackTable::packs(const std::string& destination) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return read_packs(database, destination);
}

// Not a change of the configuration: the transaction is SQLite's alone, and no stamp follows it.
void VerifiedPackTable::keep(const std::string& destination, const std::vector<maintenance::PackSize>& there,
                             std::int64_t now) {
  Database& database = file_.database();
  const auto lock = database.lock();
  if (!has_destination(database, destination)) return;
  std::unordered_set<store::ObjectName, store::ObjectNameHash> gone;
  for (const VerifiedPack& pack : read_packs(database, destination)) gone.insert(pack.name);
  Transaction transaction(database);
  for (const maintenance::PackSize& pack : there) {
    if (gone.erase(pack.name) > 0) continue;
    database
        .prepare(
            "INSERT OR IGNORE INTO verified_packs (destination, name, size, first_seen, verified, damaged) "
            "VALUES (?, ?, ?, ?, NULL, 0)",
            destination, pack.name.view(), pack.size, now)
        .run();
  }
  for (const store::ObjectName& name : gone) {
    database
        .prepare("DELETE FROM verified_packs WHERE destination = ? AND name = ?", destination, name.view())
        .run();
  }
  database
      .prepare("UPDATE verified_packs SET verified = NULL WHERE destination = ? AND verified > ?",
               destination, now)
      .run();
  database
      .prepare("UPDATE verified_packs SET first_seen = ? WHERE destination = ? AND first_seen > ?", now,
               destination, now)
      .run();
  transaction.commit();
  ++changes_;
}

void VerifiedPackTable::note(const std::string& destination, const std::vector<Reading>& readings,
                             std::int64_t now) {
  if (readings.empty()) return;
  Database& database = file_.database();
  const auto lock = database.lock();
  if (!has_destination(database, destination)) return;
  Transaction transaction(database);
  for (const Reading& reading : readings) {
    const std::optional<std::int64_t> verified = reading.sound ? std::optional(now) : std::nullopt;
    database
        .prepare(
            "INSERT INTO verified_packs (destination, name, size, first_seen, verified, damaged) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (destination, name) DO UPDATE SET "
            "verified = coalesce(excluded.verified, verified), damaged = excluded.damaged",
            destination, reading.pack.name.view(), reading.pack.size, now, verified, !reading.sound)
        .run();
  }
  transaction.commit();
  ++changes_;
}

VerifiedSum VerifiedPackTable::sum(const std::string& destination, std::int64_t since) {
  Database& database = file_.database();
  const auto lock = database.lock();
  VerifiedSum sum;
  Statement row = database.prepare(
      "SELECT count(*), total(size), total(CASE WHEN verified >= ? AND damaged = 0 THEN size ELSE 0 END), "
      "total(damaged), min(coalesce(verified, first_seen)) FROM verified_packs WHERE destination = ?",
      since, destination);
  if (!row.step()) return sum;
  sum.packs = row.unsigned_integer(0);
  sum.bytes = row.unsigned_integer(1);
  sum.verified_bytes = row.unsigned_integer(2);
  sum.damaged_packs = row.unsigned_integer(3);
  if (!row.is_null(4)) sum.oldest = row.integer(4);
  return sum;
}

}  // namespace garner::catalog
