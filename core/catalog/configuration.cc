#include "catalog/configuration.h"

#include <algorithm>

#include "base/error.h"

namespace garner::catalog {

namespace {

constexpr std::size_t kLongestName = 100;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

DestinationFacts read_facts(const Statement& row) {
  DestinationFacts facts;
  facts.name = row.text(0);
  facts.url = row.text(1);
  facts.repository = Uuid::from_bytes(row.blob_view(2));
  facts.encrypted = row.integer(3) != 0;
  facts.keyring = Uuid::from_bytes(row.blob_view(4));
  return facts;
}

destination::PlaceOptions options_of(Database& database, const std::string& destination) {
  destination::PlaceOptions options;
  Statement rows =
      database.prepare("SELECT name, value FROM destination_options WHERE destination = ?", destination);
  while (rows.step()) options[rows.text(0)] = rows.text(1);
  return options;
}

void insert_options(Database& database, const std::string& destination,
                    const destination::PlaceOptions& options) {
  for (const auto& [name, value] : options) {
    database
        .prepare("INSERT INTO destination_options (destination, name, value) VALUES (?, ?, ?)", destination,
                 name, value)
        .run();
  }
}

std::vector<std::string> destinations_of(Database& database, const std::string& set) {
  std::vector<std::string> names;
  Statement rows =
      database.prepare("SELECT destination FROM set_destinations WHERE set_name = ? ORDER BY position", set);
  while (rows.step()) names.push_back(rows.text(0));
  return names;
}

void insert_destinations_of(Database& database, const BackupSet& set) {
  std::int64_t position = 0;
  for (const std::string& destination : set.destinations) {
    {
      Statement known = database.prepare("SELECT 1 FROM destinations WHERE name = ?", destination);
      if (!known.step())
        throw Error(ErrorKind::kNotFound, "there is no destination '" + printable(destination) + "'");
    }
    database
        .prepare("INSERT INTO set_destinations (set_name, position, destination) VALUES (?, ?, ?)",
                 set.definition.name(), position++, destination)
        .run();
  }
}

bool has_set(Database& database, const std::string& name) {
  return database.prepare("SELECT 1 FROM sets WHERE name = ?", name).step();
}

void insert_set(Database& database, const BackupSet& set) {
  const std::string definition = set.definition.SerializeAsString();
  database
      .prepare(
          "INSERT INTO sets (name, uuid, definition, supply_from, supply_both_ways) VALUES (?, ?, ?, ?, ?)",
          set.definition.name(), as_bytes(set.definition.uuid()), as_bytes(definition), set.supply.from,
          set.supply.both_ways)
      .run();
  insert_destinations_of(database, set);
}

// The name of the set with this uuid, if it was found again and has the destinations where it was.
std::optional<std::string> recovered_set(Database& database, ByteView uuid) {
  Statement row =
      database.prepare("SELECT name FROM sets JOIN recovered_sets ON set_name = name WHERE uuid = ?", uuid);
  return row.step() ? std::optional(row.text(0)) : std::nullopt;
}

// False when the set has it.
bool append_destination(Database& database, const std::string& set, const std::string& destination) {
  const std::vector<std::string> there = destinations_of(database, set);
  if (std::find(there.begin(), there.end(), destination) != there.end()) return false;
  database
      .prepare("INSERT INTO set_destinations (set_name, position, destination) VALUES (?, ?, ?)", set,
               std::uint64_t{there.size()}, destination)
      .run();
  return true;
}

// `row`: name, definition, supply_from, supply_both_ways.
BackupSet read_set(Database& database, const Statement& row) {
  const std::string name = row.text(0);
  const ByteView definition = row.blob_view(1);
  BackupSet set;
  if (!set.definition.ParseFromArray(definition.data(), static_cast<int>(definition.size()))) {
    throw Error(ErrorKind::kDamaged, "the catalog's definition of set '" + printable(name) + "'");
  }
  set.destinations = destinations_of(database, name);
  set.supply = {row.text(2), row.integer(3) != 0};
  return set;
}

}  // namespace

void check_name(const std::string& name, const std::string& what) {
  const bool fits = !name.empty() && name.size() <= kLongestName && is_letter_or_digit(name.front()) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
                    });
  if (fits) return;
  throw Error(ErrorKind::kInvalidInput,
              "'" + printable(name) + "' cannot be the name of a " + what +
                  ": it needs 1 to 100 letters, digits, '.', '_' or '-', and a letter or digit first");
}

void insert_destination(Database& database, const DestinationFacts& facts, bool recover_sets) {
  database
      .prepare(
          "INSERT INTO destinations (name, url, repository, encrypted, keyring, recover_sets) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          facts.name, facts.url, facts.repository.view(), facts.encrypted, facts.keyring.view(), recover_sets)
      .run();
  insert_options(database, facts.name, facts.options);
}

std::vector<DestinationFacts> Configuration::destinations() {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<DestinationFacts> all;
  Statement rows =
      database.prepare("SELECT name, url, repository, encrypted, keyring FROM destinations ORDER BY name");
  while (rows.step()) all.push_back(read_facts(rows));
  for (DestinationFacts& facts : all) facts.options = options_of(database, facts.name);
  return all;
}

std::optional<DestinationFacts> Configuration::destination(const std::string& name) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare(
      "SELECT name, url, repository, encrypted, keyring FROM destinations WHERE name = ?", name);
  if (!row.step()) return std::nullopt;
  DestinationFacts facts = read_facts(row);
  facts.options = options_of(database, facts.name);
  return facts;
}

void Configuration::add_destination(const DestinationFacts& facts, const Also& also) {
  bool in_key_folder = false;
  try {
    file_.change([&](Database& database) {
      {
        Statement same = database.prepare("SELECT name FROM destinations WHERE name = ? OR repository = ?",
                                          facts.name, facts.repository.view());
        if (same.step()) {
          throw Error(ErrorKind::kAlreadyExists,
                      same.text(0) == facts.name
                          ? "there is a destination '" + facts.name + "' already"
                          : "this repository is the destination '" + same.text(0) + "' already");
        }
      }
      insert_destination(database, facts, /*recover_sets=*/false);
      if (also) also(database);
      // Before the commit: what the catalog names, the folder of keys knows.
      keys_.save_destination(facts);
      in_key_folder = true;
    });
  } catch (...) {
    if (in_key_folder) keys_.remove_destination(facts.name);
    throw;
  }
}

void Configuration::set_options(Database& database, const std::string& name,
                                const destination::PlaceOptions& options) {
  if (!database.prepare("SELECT 1 FROM destinations WHERE name = ?", name).step())
    throw Error(ErrorKind::kNotFound, "there is no destination '" + printable(name) + "'");
  database.prepare("DELETE FROM destination_options WHERE destination = ?", name).run();
  insert_options(database, name, options);
}

void Configuration::keep_facts(const std::string& name) {
  if (const auto facts = destination(name)) keys_.save_destination(*facts);
}

void Configuration::remove_destination(const std::string& name) {
  file_.change([&](Database& database) { remove_destination_row(database, name); });
  // After the commit: a crash between leaves facts of a destination that only a rebuilt catalog would list
  // again.
  forget_facts(name);
}

void Configuration::remove_destination_row(Database& database, const std::string& name) {
  {
    Statement users =
        database.prepare("SELECT DISTINCT set_name FROM set_destinations WHERE destination = ?", name);
    std::string sets;
    while (users.step()) sets += (sets.empty() ? "" : ", ") + users.text(0);
    if (!sets.empty()) {
      throw Error(ErrorKind::kConflict, "destination '" + printable(name) + "' is used by: " + sets);
    }
  }
  if (database.prepare("DELETE FROM destinations WHERE name = ?", name).run() == 0) {
    throw Error(ErrorKind::kNotFound, "there is no destination '" + printable(name) + "'");
  }
}

void Configuration::forget_facts(const std::string& name) { keys_.remove_destination(name); }

std::vector<BackupSet> Configuration::sets() {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<BackupSet> all;
  Statement rows =
      database.prepare("SELECT name, definition, supply_from, supply_both_ways FROM sets ORDER BY name");
  while (rows.step()) all.push_back(read_set(database, rows));
  return all;
}

std::optional<BackupSet> Configuration::set(const std::string& name) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare(
      "SELECT name, definition, supply_from, supply_both_ways FROM sets WHERE name = ?", name);
  if (!row.step()) return std::nullopt;
  return read_set(database, row);
}

void Configuration::add_set(const BackupSet& set, const Also& also) {
  file_.change([&](Database& database) {
    const std::string& name = set.definition.name();
    if (has_set(database, name))
      throw Error(ErrorKind::kAlreadyExists, "there is a set '" + name + "' already");
    insert_set(database, set);
    if (also) also(database);
  });
}

void Configuration::replace_set(const BackupSet& set, const Also& also) {
  file_.change([&](Database& database) {
    const std::string& name = set.definition.name();
    const std::string definition = set.definition.SerializeAsString();
    if (database
            .prepare("UPDATE sets SET uuid = ?, definition = ?, supply_from = ?, supply_both_ways = ? "
                     "WHERE name = ?",
                     as_bytes(set.definition.uuid()), as_bytes(definition), set.supply.from,
                     set.supply.both_ways, name)
            .run() == 0) {
      throw Error(ErrorKind::kNotFound, "there is no set '" + printable(name) + "'");
    }
    if (destinations_of(database, name) != set.destinations)
      database.prepare("DELETE FROM recovered_sets WHERE set_name = ?", name).run();
    database.prepare("DELETE FROM set_destinations WHERE set_name = ?", name).run();
    insert_destinations_of(database, set);
    if (also) also(database);
  });
}

void Configuration::remove_set(const std::string& name) {
  file_.change([&](Database& database) {
    if (database.prepare("DELETE FROM sets WHERE name = ?", name).run() == 0) {
      throw Error(ErrorKind::kNotFound, "there is no set '" + printable(name) + "'");
    }
  });
}

std::vector<std::string> Configuration::sets_using(const std::string& destination) {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<std::string> names;
  Statement rows = database.prepare(
      "SELECT DISTINCT set_name FROM set_destinations WHERE destination = ? ORDER BY set_name", destination);
  while (rows.step()) names.push_back(rows.text(0));
  return names;
}

std::vector<std::string> Configuration::destinations_to_search() {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<std::string> names;
  Statement rows = database.prepare("SELECT name FROM destinations WHERE recover_sets != 0 ORDER BY name");
  while (rows.step()) names.push_back(rows.text(0));
  return names;
}

std::vector<std::string> Configuration::recover_sets(const std::string& destination,
                                                     const std::vector<BackupSet>& found) {
  std::vector<std::string> names;
  file_.change([&](Database& database) {
    for (const BackupSet& set : found) {
      const std::string& name = set.definition.name();
      const ByteView uuid = as_bytes(set.definition.uuid());
      if (const std::optional<std::string> recovered = recovered_set(database, uuid)) {
        if (append_destination(database, *recovered, destination)) names.push_back(*recovered);
        continue;
      }
      const bool known =
          has_set(database, name) || database.prepare("SELECT 1 FROM sets WHERE uuid = ?", uuid).step();
      if (known) continue;
      insert_set(database, set);
      database.prepare("INSERT INTO recovered_sets (set_name) VALUES (?)", name).run();
      names.push_back(name);
    }
    database.prepare("UPDATE destinations SET recover_sets = 0 WHERE name = ?", destination).run();
  });
  return names;
}

}  // namespace garner::catalog
