#include "catalog/destination_settings_table.h"

#include "base/error.h"

namespace garner::catalog {

namespace {

enum class Direction { kUpload = 1, kDownload = 2 };

std::vector<std::string> read_limits(Database& database, const std::string& destination,
                                     Direction direction) {
  std::vector<std::string> limits;
  Statement rows = database.prepare(
      "SELECT text FROM destination_limits WHERE destination = ? AND direction = ? ORDER BY position",
      destination, static_cast<int>(direction));
  while (rows.step()) limits.push_back(rows.text(0));
  return limits;
}

void write_limits(Database& database, const std::string& destination, Direction direction,
                  const std::vector<std::string>& limits) {
  for (std::size_t i = 0; i < limits.size(); ++i) {
    database
        .prepare(
            "INSERT INTO destination_limits (destination, direction, position, text) VALUES (?, ?, ?, ?)",
            destination, static_cast<int>(direction), static_cast<std::uint64_t>(i), limits[i])
        .run();
  }
}

}  // namespace

DestinationSettings DestinationSettingsTable::find(const std::string& destination) {
  Database& database = file_.database();
  const auto lock = database.lock();
  DestinationSettings settings;
  {
    Statement row = database.prepare(
        "SELECT max_unused, max_rewrite FROM destination_settings WHERE destination = ?", destination);
    if (row.step()) {
      if (!row.is_null(0)) settings.max_unused = row.real(0);
      if (!row.is_null(1)) settings.max_rewrite = row.unsigned_integer(1);
    }
  }
  settings.upload_limits = read_limits(database, destination, Direction::kUpload);
  settings.download_limits = read_limits(database, destination, Direction::kDownload);
  return settings;
}

void DestinationSettingsTable::replace(Database& database, const std::string& destination,
                                       const DestinationSettings& settings) {
  database
      .prepare(
          "INSERT OR REPLACE INTO destination_settings (destination, max_unused, max_rewrite) VALUES (?, ?, "
          "?)",
          destination, settings.max_unused, settings.max_rewrite)
      .run();
  database.prepare("DELETE FROM destination_limits WHERE destination = ?", destination).run();
  write_limits(database, destination, Direction::kUpload, settings.upload_limits);
  write_limits(database, destination, Direction::kDownload, settings.download_limits);
}

void DestinationSettingsTable::save(const std::string& destination, const DestinationSettings& settings) {
  file_.change([&](Database& database) {
    if (!database.prepare("SELECT 1 FROM destinations WHERE name = ?", destination).step()) {
      throw Error(ErrorKind::kNotFound, "there is no destination '" + printable(destination) + "'");
    }
    replace(database, destination, settings);
  });
}

}  // namespace garner::catalog
