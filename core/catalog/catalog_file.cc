#include "catalog/catalog_file.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "base/error.h"
#include "base/file.h"
#include "catalog/configuration.h"
#include "catalog/schema.h"

namespace garner::catalog {

namespace {

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// A file that cannot be used and why: what open_existing() finds.
struct Unusable {
  std::string reason;
  std::string detail;
};

std::string file_time(TimePoint time) {
  const std::time_t seconds = time.seconds;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

// Renames the file and the two that belong to it. Returns the new path.
std::string keep_aside(const std::string& path, const std::string& reason, TimePoint now) {
  std::string aside = path + "." + reason + "-" + file_time(now);
  for (int count = 2; exists(aside); ++count) {
    aside = path + "." + reason + "-" + file_time(now) + "-" + std::to_string(count);
  }
  // The log goes first: the new catalog must never meet the old one's.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    const std::string from = path + suffix;
    if (!exists(from)) continue;
    if (rename(from.c_str(), (aside + suffix).c_str()) != 0) {
      throw system_error(errno, "keeping " + printable(from) + " aside");
    }
  }
  sync_folder(parent_path(path));
  return aside;
}

std::optional<CatalogStamp> usable_stamp(const KeyFolder& keys) {
  try {
    return keys.stamp();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    spdlog::warn("{}; it is made again from the catalog", error.what());
    return std::nullopt;
  }
}

// Of a process that did not end in order. If an fsync of its log had failed, the commit that failed stands
// there all the same, in memory that the kernel takes for written: it would be recovered, and a crash later
// on would lose it with all that was committed behind it, or leave half of it in the catalog, into which it
// was being carried. So the log's bytes are written once more, and are on the disk before anything rests on
// them.
void make_log_durable(const std::string& path) {
  if (!exists(path)) return;
  const Fd file = open_file(path, O_RDWR);
  Bytes piece(1u << 20);
  std::uint64_t offset = 0;
  while (const std::size_t length = read_at(file.get(), piece, offset, path)) {
    write_at(file.get(), ByteView(piece).first(length), offset, path);
    offset += length;
  }
  sync_file(file.get(), path);
  sync_folder(parent_path(path));
}

}  // namespace

CatalogFile::CatalogFile(const std::string& path, KeyFolder& keys, const Clock& clock) : keys_(keys) {
  const std::optional<CatalogStamp> stamp = usable_stamp(keys);
  if (exists(path)) {
    std::optional<Unusable> unusable;
    try {
      open_existing(path, stamp);
    } catch (const Unusable& found) {
      unusable = found;
    } catch (const Error& error) {
      // kInternal: statements that do not fit the tables, which this program never leaves behind.
      const ErrorKind kind = error.kind();
      if (kind == ErrorKind::kNewerFormat) {
        unusable = Unusable{"newer", error.what()};
      } else if (kind == ErrorKind::kDamaged || kind == ErrorKind::kInternal ||
                 kind == ErrorKind::kConflict) {
        unusable = Unusable{"damaged", error.what()};
      } else {
        throw;
      }
    }
    if (unusable.has_value()) {
      database_.reset();
      rebuilt_ = Rebuilt{unusable->reason, unusable->detail, keep_aside(path, unusable->reason, clock.now())};
    }
  } else if (stamp.has_value() || !keys.destinations().empty()) {
    rebuilt_ = Rebuilt{"missing", "there is no " + printable(path), ""};
    // A log without its file would be taken for the new file's.
    remove_file(path + "-wal");
    remove_file(path + "-shm");
  }
  if (!database_) create(path, stamp);
  const auto lock = database_->lock();
  write_stamp();
}

void CatalogFile::open_existing(const std::string& path, const std::optional<CatalogStamp>& stamp) {
  make_log_durable(path + "-wal");
  database_ = std::make_unique<Database>(path);
  const auto lock = database_->lock();
  const std::string verdict = database_->quick_check();
  if (verdict != "ok") throw Unusable{"damaged", verdict};
  // A crash while the very first catalog was made leaves a file without tables and no stamp.
  const bool empty = database_->user_version() == 0;
  if (empty && stamp.has_value()) throw Unusable{"damaged", "it is empty"};
  if (empty) {
    database_.reset();
    return;
  }
  migrate(*database_);
  const CatalogStamp found = read_stamp();
  if (!stamp.has_value()) return;
  if (found.catalog != stamp->catalog) throw Unusable{"older", "it is not the catalog that was used last"};
  if (found.changes < stamp->changes) {
    throw Unusable{"older", "it is " + std::to_string(stamp->changes - found.changes) +
                                " changes older than the catalog that was used last"};
  }
  database_->execute("PRAGMA incremental_vacuum");
}

void CatalogFile::create(const std::string& path, const std::optional<CatalogStamp>& stamp) {
  database_ = std::make_unique<Database>(path);
  const auto lock = database_->lock();
  migrate(*database_);
  Transaction transaction(*database_);
  const std::uint64_t next_run = stamp.has_value() ? stamp->next_run_number : 1;
  // Counts on from the lost catalog's, so that a copy of that one is known for older, too.
  const std::uint64_t changes = stamp.has_value() ? stamp->changes + 1 : 0;
  constexpr const char* kInsert = "INSERT INTO facts (name, value) VALUES (?, ?)";
  database_->prepare(kInsert, "catalog", Uuid::random().view()).run();
  database_->prepare(kInsert, "changes", changes).run();
  database_->prepare(kInsert, "next_run", next_run).run();
  for (const DestinationFacts& facts : keys_.destinations()) {
    insert_destination(*database_, facts, /*recover_sets=*/true);
  }
  transaction.commit();
  sync_folder(parent_path(path));
}

CatalogStamp CatalogFile::read_stamp() {
  CatalogStamp stamp;
  int found = 0;
  Statement facts = database_->prepare("SELECT name, value FROM facts");
  while (facts.step()) {
    const std::string name = facts.text(0);
    if (name == "catalog") {
      stamp.catalog = Uuid::from_bytes(facts.blob_view(1));
      ++found;
    } else if (name == "changes") {
      stamp.changes = facts.unsigned_integer(1);
      ++found;
    } else if (name == "next_run") {
      stamp.next_run_number = facts.unsigned_integer(1);
      ++found;
    }
  }
  if (found != 3) throw Unusable{"damaged", "facts are missing"};
  return stamp;
}

void CatalogFile::write_stamp() { keys_.save_stamp(read_stamp()); }

void CatalogFile::change(const std::function<void(Database&)>& work) {
  const auto lock = database_->lock();
  if (changing_) return work(*database_);
  Transaction transaction(*database_);
  {
    changing_ = true;
    const std::unique_ptr<bool, void (*)(bool*)> done(&changing_, [](bool* changing) { *changing = false; });
    work(*database_);
  }
  database_->prepare("UPDATE facts SET value = value + 1 WHERE name = 'changes'").run();
  transaction.commit();
  try {
    write_stamp();
  } catch (const Error& error) {
    // The change is durable. A stamp that lags is no harm, and the next one catches up.
    spdlog::warn("noting the catalog's change: {}", error.what());
  }
}

std::int64_t CatalogFile::take_run_number() {
  std::int64_t number = 0;
  {
    Statement next = database_->prepare("SELECT value FROM facts WHERE name = 'next_run'");
    if (!next.step()) throw Error(ErrorKind::kInternal, "the catalog has no next run number");
    number = next.integer(0);
  }
  database_->prepare("UPDATE facts SET value = value + 1 WHERE name = 'next_run'").run();
  return number;
}

}  // namespace garner::catalog
