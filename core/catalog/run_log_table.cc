#include "catalog/run_log_table.h"

#include "catalog/run_table.h"

namespace garner::catalog {

namespace {

// The least number of a line that is kept; 0 for all.
std::uint64_t first_kept(Database& database, std::int64_t run) {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::uint64_t kept = 0;
  Statement rows = database.prepare(
      "SELECT number, length(CAST(text AS BLOB)) FROM run_log WHERE run = ? ORDER BY number DESC", run);
  while (rows.step()) {
    lines += 1;
    bytes += rows.unsigned_integer(1);
    if (lines > kMaximumLogLines || bytes > kMaximumLogBytes) return kept;
    kept = rows.unsigned_integer(0);
  }
  return 0;
}

}  // namespace

// Not a change of the configuration: an older catalog that is put back is known by its runs.
void RunLogTable::append(std::int64_t run, const std::vector<RunLogLine>& lines) {
  if (lines.empty()) return;
  Database& database = file_.database();
  const auto lock = database.lock();
  Transaction transaction(database);
  const bool first = !database.prepare("SELECT 1 FROM run_log WHERE run = ? LIMIT 1", run).step();
  for (const RunLogLine& line : lines) {
    database
        .prepare("INSERT OR REPLACE INTO run_log (run, number, time, origin, text) VALUES (?, ?, ?, ?, ?)",
                 run, line.number, to_nanoseconds(line.time), line.origin, line.text)
        .run();
  }
  if (const std::uint64_t kept = first_kept(database, run); kept > 0) {
    database.prepare("DELETE FROM run_log WHERE run = ? AND number < ?", run, kept).run();
  }
  if (first) {
    database
        .prepare(
            "DELETE FROM run_log WHERE run <= (SELECT run FROM (SELECT DISTINCT run FROM run_log) "
            "ORDER BY run DESC LIMIT 1 OFFSET ?)",
            kRunsWithLog)
        .run();
  }
  transaction.commit();
}

std::vector<RunLogLine> RunLogTable::read(std::int64_t run) {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<RunLogLine> lines;
  Statement rows =
      database.prepare("SELECT number, time, origin, text FROM run_log WHERE run = ? ORDER BY number", run);
  while (rows.step()) {
    lines.push_back(
        {rows.unsigned_integer(0), from_nanoseconds(rows.integer(1)), rows.text(2), rows.text(3)});
  }
  return lines;
}

std::uint64_t RunLogTable::last_number(std::int64_t run) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare("SELECT max(number) FROM run_log WHERE run = ?", run);
  return row.step() && !row.is_null(0) ? row.unsigned_integer(0) : 0;
}

}  // namespace garner::catalog
