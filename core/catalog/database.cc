#include "catalog/database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "base/error.h"
#include "base/file.h"

namespace garner::catalog {

namespace {

constexpr int kBusyTimeout = 10'000;  // ms
// A WAL that a large transaction made long is cut to this many bytes afterwards.
constexpr const char* kDatabaseSettings =
    "PRAGMA auto_vacuum = INCREMENTAL;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA journal_size_limit = 16777216;"
    "PRAGMA cache_size = -4096;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF;";

}  // namespace

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

std::int64_t Statement::run() {
  while (step()) {
  }
  return sqlite3_changes64(sqlite3_db_handle(statement_));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

ByteView Statement::blob_view(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return {data, data == nullptr ? 0 : size};
}

std::string Statement::text(int column) const { return std::string(as_text(blob_view(column))); }

Bytes Statement::blob(int column) const {
  const ByteView view = blob_view(column);
  return {view.begin(), view.end()};
}

void Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, index, value);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, double value) {
  const int code = sqlite3_bind_double(statement_, index, value);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* data = text.empty() ? "" : text.data();
  const int code = sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, ByteView blob) {
  const int code = blob.empty()
                       ? sqlite3_bind_zeroblob(statement_, index, 0)
                       : sqlite3_bind_blob64(statement_, index, blob.data(), blob.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind_null(int index) {
  const int code = sqlite3_bind_null(statement_, index);
  if (code != SQLITE_OK) database_.fail(code);
}

Database::Database(const std::string& path) : path_(path) {
  // SQLite would make the file readable for all; the files beside it get this file's mode.
  open_file(path, O_RDWR | O_CREAT, 0600);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &connection_, flags, nullptr);
  try {
    if (code != SQLITE_OK) fail(code);
    sqlite3_busy_timeout(connection_, kBusyTimeout);
    execute(kDatabaseSettings);
  } catch (...) {
    sqlite3_close(connection_);
    throw;
  }
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

sqlite3_stmt* Database::prepared(const char* sql) {
  const auto found = statements_.find(std::string_view(sql));
  if (found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  statements_.emplace(sql, statement);
  return statement;
}

std::string Database::quick_check() {
  Statement check = prepare("PRAGMA quick_check(1)");
  return check.step() ? check.text(0) : std::string("no answer");
}

std::int64_t Database::user_version() {
  Statement version = prepare("PRAGMA user_version");
  return version.step() ? version.integer(0) : 0;
}

void Database::set_user_version(std::int64_t version) {
  execute(("PRAGMA user_version = " + std::to_string(version)).c_str());
}

void Database::fail(int code) {
  const std::string what = connection_ != nullptr ? sqlite3_errmsg(connection_) : sqlite3_errstr(code);
  ErrorKind kind = ErrorKind::kWriteFailed;
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorKind::kDamaged;
      break;
    case SQLITE_FULL:
      kind = ErrorKind::kStateFull;
      break;
    case SQLITE_CONSTRAINT:
      kind = ErrorKind::kConflict;
      break;
    case SQLITE_MISUSE:
    case SQLITE_ERROR:
      kind = ErrorKind::kInternal;
      break;
    default:
      break;
  }
  throw Error(kind, "the catalog " + printable(path_) + ": " + what);
}

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // SQLite rolled back by itself (full disk, for example), or the connection is beyond use: nothing was
    // committed.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace garner::catalog
