#include "catalog/history/schema.h"

#include <spdlog/spdlog.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

namespace garner::catalog {
namespace {

// Any change to the tables, or to what they hold, takes the next number. No step leads from one to the next:
// the file is made anew.
constexpr std::int64_t kVersion = 0x67680002;

// A row has to be lean: there is one for each file, and one for each change of one. So what stands in a place
// now, in the last number, is with its name in `items`, and what stood there before in `versions`. Names are
// blobs, compared as unsigned bytes. Owners and modes are few, and have numbers. Numbers of items have no
// index of their own, which would hold all names again: the block leads to the folder, in which the item is
// searched for. Only a folder of more than one block lists its items by number.
//
// A span is open while `last` is NULL (in `items`: always). `content` is NULL for a folder that is to be read
// again, whatever the next snapshot has there. `files` are those below a folder; NULL is none.
constexpr const char* kTables = R"sql(
CREATE TABLE snapshots (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL,
  state INTEGER NOT NULL
);

CREATE TABLE blocks (
  number INTEGER PRIMARY KEY,
  folder INTEGER NOT NULL
);
CREATE INDEX blocks_by_folder ON blocks (folder);

CREATE TABLE items (
  folder INTEGER NOT NULL,
  name BLOB NOT NULL,
  item INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  first INTEGER,
  kind INTEGER,
  size INTEGER,
  seconds INTEGER,
  nanos INTEGER,
  content INTEGER,
  files INTEGER,
  PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE UNIQUE INDEX items_listed ON items (item) WHERE flags >= 2;

CREATE TABLE versions (
  item INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  size INTEGER NOT NULL,
  seconds INTEGER NOT NULL,
  nanos INTEGER NOT NULL,
  content INTEGER,
  files INTEGER,
  PRIMARY KEY (item, first)
) WITHOUT ROWID;

CREATE TABLE parts (
  item INTEGER NOT NULL,
  blob INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER,
  length INTEGER NOT NULL,
  PRIMARY KEY (item, blob, first)
) WITHOUT ROWID;

CREATE TABLE kinds (
  number INTEGER PRIMARY KEY,
  type INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  user BLOB NOT NULL,
  group_name BLOB NOT NULL,
  flags INTEGER NOT NULL
);
)sql";

// What a crash loses is read in again; what is left is whole in any case.
constexpr const char* kHistorySettings =
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA cache_size = -8192;";

void make_tables(Database& database) {
  Transaction transaction(database);
  database.execute(kTables);
  database.set_user_version(kVersion);
  transaction.commit();
}

// Null for a file that cannot be used.
std::unique_ptr<Database> try_open(const std::string& path) {
  auto database = std::make_unique<Database>(path);
  const auto lock = database->lock();
  database->execute(kHistorySettings);
  if (database->quick_check() != "ok") return nullptr;
  const std::int64_t version = database->user_version();
  if (version == kVersion) return database;
  // One that was just made has nothing in it; another program's has something.
  if (version != 0 || database->prepare("SELECT 1 FROM sqlite_schema").step()) return nullptr;
  make_tables(*database);
  return database;
}

}  // namespace

std::unique_ptr<Database> open_history(const std::string& path) {
  std::string reason = "it is damaged, or of another version";
  try {
    if (auto database = try_open(path)) return database;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    reason = error.what();
  }
  spdlog::warn("the history {} is made anew: {}", printable(path), reason);
  // The log goes first: the new file must never meet the old one's.
  for (const char* suffix : {"-wal", "-shm", ""}) remove_file(path + suffix);
  auto database = try_open(path);
  if (!database)
    throw Error(ErrorKind::kWriteFailed, "making the history " + printable(path) + " anew failed");
  return database;
}

}  // namespace garner::catalog
