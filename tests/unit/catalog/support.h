// What the catalog's tests share.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "catalog/catalog.h"
#include "catalog/schema.h"
#include "crypto/secret.h"
#include "support/temporary_folder.h"

namespace garner::catalog {

inline constexpr TimePoint kNow{1'800'000'000, 0};

inline schedule::Instant at(std::int64_t seconds) { return schedule::Instant(std::chrono::seconds(seconds)); }

class TestClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  std::chrono::steady_clock::time_point steady() const override { return {}; }
  void set(TimePoint time) { now_ = time; }

 private:
  TimePoint now_{1'800'000'000, 5};
};

// A state folder with its keys; catalogs are opened in it one after the other.
struct StateFolder {
  StateFolder() { crypto::initialize_crypto(); }
  Catalog open() { return Catalog(folder.path(), keys, clock); }
  std::string file() const { return folder.path("catalog.sqlite"); }

  testing::TemporaryFolder folder;
  TestClock clock;
  KeyFolder keys{folder.path("keys")};
};

// Makes a catalog as an earlier program has left it: with the tables of that version, and nothing in them but
// what every catalog has.
inline void make_old_catalog(Database& database, std::int64_t version) {
  migrate(database, version);
  constexpr const char* kInsert = "INSERT INTO facts (name, value) VALUES (?, ?)";
  database.prepare(kInsert, "catalog", Uuid::random().view()).run();
  database.prepare(kInsert, "changes", std::uint64_t{0}).run();
  database.prepare(kInsert, "next_run", std::uint64_t{2}).run();
}

inline DestinationFacts facts_of(const std::string& name) {
  return {name, "/mnt/" + name, Uuid::random(), true, Uuid::random()};
}

inline BackupSet set_of(const std::string& name, const std::string& destination) {
  BackupSet set;
  set.definition.set_uuid(std::string(as_text(Uuid::random().view())));
  set.definition.set_name(name);
  set.definition.add_sources("/home/\xff" + name);
  set.destinations = {destination};
  return set;
}

inline RunRow backup_of(const std::string& set) {
  RunRow run;
  run.uuid = Uuid::random();
  run.set = set;
  run.queued = {1'800'000'000, 1};
  return run;
}

}  // namespace garner::catalog
