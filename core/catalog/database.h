// A thin RAII wrapper of SQLite: one connection, statements that are prepared once, transactions. SQL errors
// become Error: kDamaged for a torn or foreign file, kStateFull where the file system is full,
// kWriteFailed otherwise.
//
// One connection is shared by all threads. Whoever uses it holds its lock for as long as a statement or
// transaction of his lives: `const auto lock = database.lock();`. A thread may take it again while it has it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace garner::catalog {

class Database;

// A prepared statement in use: bound, stepped, and reset when it goes out of scope. Columns count from 0.
class Statement {
 public:
  Statement(Statement&& other) noexcept
      : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // The next row; false when there is none.
  bool step();
  // Runs a statement that gives no rows; returns the number of rows it changed.
  std::int64_t run();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  double real(int column) const;
  std::string text(int column) const;
  Bytes blob(int column) const;
  // Valid until the next step().
  ByteView blob_view(int column) const;

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}

  void bind(int index, std::int64_t value);
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, double value);
  void bind(int index, bool value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::string_view text);
  void bind(int index, const std::string& text) { bind(index, std::string_view(text)); }
  void bind(int index, const char* text) { bind(index, std::string_view(text)); }
  void bind(int index, ByteView blob);
  void bind(int index, const Bytes& blob) { bind(index, ByteView(blob)); }
  void bind_null(int index);
  template <typename T>
  void bind(int index, const std::optional<T>& value) {
    if (value.has_value()) {
      bind(index, *value);
    } else {
      bind_null(index);
    }
  }

  Database& database_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  // Opens or creates the file with mode 0600: WAL, synchronous=FULL, foreign keys, a busy timeout.
  explicit Database(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] std::unique_lock<std::recursive_mutex> lock() { return std::unique_lock(mutex_); }

  // Runs statements that give no rows and have no parameters.
  void execute(const char* sql);
  // `sql` is prepared at its first use and kept. Values outlive the statement.
  template <typename... Values>
  Statement prepare(const char* sql, const Values&... values) {
    Statement statement(*this, prepared(sql));
    [[maybe_unused]] int index = 0;
    (statement.bind(++index, values), ...);
    return statement;
  }

  // "ok", or the first thing that PRAGMA quick_check finds.
  std::string quick_check();
  std::int64_t user_version();
  void set_user_version(std::int64_t version);

  const std::string& path() const { return path_; }
  // Throws the Error for an SQLite result code.
  [[noreturn]] void fail(int code);

 private:
  sqlite3_stmt* prepared(const char* sql);

  std::string path_;
  std::recursive_mutex mutex_;
  sqlite3* connection_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

// Rolls back unless commit() was called. A committed transaction is durable.
class Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace garner::catalog
