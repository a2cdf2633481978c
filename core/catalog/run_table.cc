#include "catalog/run_table.h"

#include <map>
#include <utility>

#include "base/error.h"

namespace garner::catalog {

namespace {

#define GARNER_RUN_COLUMNS                                                                           \
  "number, uuid, kind, set_name, request, state, pause_reason, message, queued, started, finished, " \
  "attempts, "                                                                                       \
  "error_count, failure, report"

std::optional<std::int64_t> optional_nanoseconds(const std::optional<TimePoint>& time) {
  if (!time.has_value()) return std::nullopt;
  return to_nanoseconds(*time);
}

RunRow read_row(const Statement& row) {
  RunRow run;
  run.number = row.integer(0);
  run.uuid = Uuid::from_bytes(row.blob_view(1));
  run.kind = static_cast<RunKind>(row.integer(2));
  run.set = row.text(3);
  run.request = row.blob(4);
  run.state = static_cast<RunState>(row.integer(5));
  run.pause_reason = static_cast<PauseReason>(row.integer(6));
  run.message = row.text(7);
  run.queued = from_nanoseconds(row.integer(8));
  run.started = optional_time(row, 9);
  run.finished = optional_time(row, 10);
  run.attempts = static_cast<std::uint32_t>(row.integer(11));
  run.error_count = row.unsigned_integer(12);
  run.failure = row.text(13);
  run.report = row.blob(14);
  return run;
}

void note_change(Database& database, const RunRow& run, TimePoint now) {
  database
      .prepare("INSERT INTO run_changes (run, time, state, pause_reason, message) VALUES (?, ?, ?, ?, ?)",
               run.number, to_nanoseconds(now), static_cast<int>(run.state),
               static_cast<int>(run.pause_reason), run.message)
      .run();
  database
      .prepare(
          "DELETE FROM run_changes WHERE run = ?1 AND id <= "
          "(SELECT id FROM run_changes WHERE run = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
          run.number, kMaximumRunChanges)
      .run();
}

std::optional<RunRow> first(Statement rows) {
  if (!rows.step()) return std::nullopt;
  return read_row(rows);
}

}  // namespace

std::int64_t to_nanoseconds(TimePoint time) { return time.seconds * kNanosPerSecond + time.nanos; }

TimePoint from_nanoseconds(std::int64_t nanoseconds) { return shifted(TimePoint{}, nanoseconds); }

std::optional<TimePoint> optional_time(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return from_nanoseconds(row.integer(column));
}

std::int64_t RunTable::add(RunRow run, const std::function<void(Database&)>& also) {
  file_.change([&](Database& database) {
    run.number = file_.take_run_number();
    database
        .prepare("INSERT INTO runs (" GARNER_RUN_COLUMNS
                 ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 run.number, run.uuid.view(), static_cast<int>(run.kind), run.set, run.request,
                 static_cast<int>(run.state), static_cast<int>(run.pause_reason), run.message,
                 to_nanoseconds(run.queued), optional_nanoseconds(run.started),
                 optional_nanoseconds(run.finished), run.attempts, run.error_count, run.failure, run.report)
        .run();
    note_change(database, run, clock_.now());
    if (also) also(database);
  });
  return run.number;
}

void RunTable::change(const RunRow& run, const std::function<void(Database&)>& also) {
  file_.change([&](Database& database) {
    const std::int64_t changed =
        database
            .prepare(
                "UPDATE runs SET state = ?, pause_reason = ?, message = ?, started = ?, finished = ?, "
                "attempts = ?, error_count = ?, failure = ?, report = ? WHERE number = ?",
                static_cast<int>(run.state), static_cast<int>(run.pause_reason), run.message,
                optional_nanoseconds(run.started), optional_nanoseconds(run.finished), run.attempts,
                run.error_count, run.failure, run.report, run.number)
            .run();
    if (changed == 0) throw Error(ErrorKind::kNotFound, "there is no run " + std::to_string(run.number));
    note_change(database, run, clock_.now());
    if (also) also(database);
  });
}

std::optional<RunRow> RunTable::find(std::int64_t number) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return first(database.prepare("SELECT " GARNER_RUN_COLUMNS " FROM runs WHERE number = ?", number));
}

void RunTable::save_report(std::int64_t number, const Bytes& report) {
  Database& database = file_.database();
  const auto lock = database.lock();
  database.prepare("UPDATE runs SET report = ? WHERE number = ?", report, number).run();
}

bool RunTable::is_over(const Uuid& run) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare("SELECT state FROM runs WHERE uuid = ?", run.view());
  return row.step() && catalog::is_over(static_cast<RunState>(row.integer(0)));
}

std::vector<RunRow> RunTable::rows(Statement statement) {
  std::vector<RunRow> all;
  while (statement.step()) all.push_back(read_row(statement));
  return all;
}

std::vector<RunRow> RunTable::list(const std::string& set, std::uint64_t limit, std::int64_t before) {
  Database& database = file_.database();
  const auto lock = database.lock();
  if (set.empty()) {
    return rows(database.prepare("SELECT " GARNER_RUN_COLUMNS
                                 " FROM runs WHERE number < ? ORDER BY number DESC LIMIT ?",
                                 before, limit));
  }
  return rows(database.prepare("SELECT " GARNER_RUN_COLUMNS
                               " FROM runs WHERE set_name = ? AND number < ? ORDER BY number DESC LIMIT ?",
                               set, before, limit));
}

std::vector<RunRow> RunTable::unfinished() {
  Database& database = file_.database();
  const auto lock = database.lock();
  return rows(database.prepare("SELECT " GARNER_RUN_COLUMNS " FROM runs WHERE state < ? ORDER BY number",
                               static_cast<int>(RunState::kFinished)));
}

std::optional<RunRow> RunTable::last_of_set(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return first(database.prepare("SELECT " GARNER_RUN_COLUMNS
                                " FROM runs WHERE set_name = ? AND kind = ? ORDER BY number DESC LIMIT 1",
                                set, static_cast<int>(RunKind::kBackup)));
}

std::optional<RunRow> RunTable::last_ended(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return first(database.prepare("SELECT " GARNER_RUN_COLUMNS
                                " FROM runs WHERE set_name = ? AND kind = ? AND state IN (?, ?) "
                                "ORDER BY number DESC LIMIT 1",
                                set, static_cast<int>(RunKind::kBackup),
                                static_cast<int>(RunState::kFinished), static_cast<int>(RunState::kFailed)));
}

std::vector<RunTable::EndedRuns> RunTable::count_ended() {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<EndedRuns> all;
  Statement rows = database.prepare(
      "SELECT kind, state, sum(ended) FROM (SELECT kind, state, count(*) AS ended FROM runs WHERE state >= ? "
      "GROUP BY kind, state UNION ALL SELECT kind, state, ended FROM removed_runs) "
      "GROUP BY kind, state ORDER BY kind, state",
      static_cast<int>(RunState::kFinished));
  while (rows.step()) {
    all.push_back({static_cast<RunKind>(rows.integer(0)), static_cast<RunState>(rows.integer(1)),
                   rows.unsigned_integer(2)});
  }
  return all;
}

std::vector<std::int64_t> RunTable::old_runs(std::uint64_t kept) {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<std::int64_t> numbers;
  Statement rows = database.prepare(
      "SELECT number FROM (SELECT number, state, row_number() OVER "
      "(PARTITION BY kind, set_name ORDER BY number DESC) AS place FROM runs) "
      "WHERE place > ?1 AND state >= ?2 AND number != (SELECT min(number) FROM runs) "
      "AND number NOT IN (SELECT max(number) FROM runs WHERE kind = ?3 AND state IN (?2, ?4) GROUP BY "
      "set_name) "
      "AND number NOT IN (SELECT max(number) FROM runs WHERE kind = ?3 AND state = ?2 AND error_count = 0 "
      "GROUP BY set_name) "
      "AND number NOT IN (SELECT run FROM destination_last_runs) "
      "AND number NOT IN (SELECT run FROM notification_queue WHERE run IS NOT NULL) ORDER BY number",
      kept, static_cast<int>(RunState::kFinished), static_cast<int>(RunKind::kBackup),
      static_cast<int>(RunState::kFailed));
  while (rows.step()) numbers.push_back(rows.integer(0));
  return numbers;
}

void RunTable::remove(const std::vector<std::int64_t>& numbers) {
  if (numbers.empty()) return;
  file_.change([&](Database& database) {
    for (const std::int64_t number : numbers) {
      database
          .prepare(
              "INSERT INTO removed_runs (kind, state, ended) SELECT kind, state, 1 FROM runs WHERE number = "
              "? "
              "ON CONFLICT (kind, state) DO UPDATE SET ended = ended + 1",
              number)
          .run();
      database.prepare("DELETE FROM runs WHERE number = ?", number).run();
    }
  });
}

std::optional<TimePoint> RunTable::first_queued() {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare("SELECT queued FROM runs ORDER BY number LIMIT 1");
  if (!row.step()) return std::nullopt;
  return from_nanoseconds(row.integer(0));
}

std::vector<RunRow> RunTable::list_kind(RunKind kind, std::uint64_t limit) {
  Database& database = file_.database();
  const auto lock = database.lock();
  return rows(database.prepare("SELECT " GARNER_RUN_COLUMNS
                               " FROM runs WHERE kind = ? ORDER BY number DESC LIMIT ?",
                               static_cast<int>(kind), limit));
}

std::optional<TimePoint> RunTable::last_clean(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare(
      "SELECT finished FROM runs WHERE set_name = ? AND kind = ? AND state = ? AND error_count = 0 "
      "ORDER BY number DESC LIMIT 1",
      set, static_cast<int>(RunKind::kBackup), static_cast<int>(RunState::kFinished));
  if (!row.step()) return std::nullopt;
  return optional_time(row, 0);
}

std::vector<RunChange> RunTable::changes(std::int64_t number) {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<RunChange> all;
  Statement rows = database.prepare(
      "SELECT time, state, pause_reason, message FROM run_changes WHERE run = ? ORDER BY id", number);
  while (rows.step()) {
    all.push_back({from_nanoseconds(rows.integer(0)), static_cast<RunState>(rows.integer(1)),
                   static_cast<PauseReason>(rows.integer(2)), rows.text(3)});
  }
  return all;
}

bool RunTable::add_error(std::int64_t number, const RunErrorRow& error) {
  Database& database = file_.database();
  const auto lock = database.lock();
  // A resumed run meets the errors of folders again that it had not finished.
  return database
             .prepare(
                 "INSERT INTO run_errors (run, position, path, message, kept, unreadable) "
                 "SELECT ?1, (SELECT count(*) FROM run_errors WHERE run = ?1), ?2, ?3, ?5, ?6 "
                 "WHERE (SELECT count(*) FROM run_errors WHERE run = ?1) < ?4 AND NOT EXISTS "
                 "(SELECT 1 FROM run_errors WHERE run = ?1 AND path = ?2 AND message = ?3)",
                 number, as_bytes(error.path), error.message, kMaximumRunErrors, error.kept, error.unreadable)
             .run() > 0;
}

std::vector<RunErrorRow> RunTable::errors(std::int64_t number, std::uint64_t limit) {
  Database& database = file_.database();
  const auto lock = database.lock();
  std::vector<RunErrorRow> all;
  Statement rows = database.prepare(
      "SELECT path, message, kept, unreadable FROM run_errors WHERE run = ? ORDER BY position LIMIT ?",
      number, limit);
  while (rows.step()) all.push_back({rows.text(0), rows.text(1), rows.integer(2) != 0, rows.integer(3) != 0});
  return all;
}

std::vector<FailingPath> RunTable::failing_paths(const RunRow& run) {
  std::vector<FailingPath> failing;
  std::map<std::string, std::size_t> in_a_row;  // path -> place in `failing`
  for (const RunErrorRow& error : errors(run.number, kMaximumRunErrors)) {
    const auto [place, added] = in_a_row.emplace(error.path, failing.size());
    if (added) {
      failing.push_back(
          {error.path, error.message, error.kept, error.unreadable, run.started.value_or(run.queued), 1});
    } else {
      failing[place->second].message += "; " + error.message;
      failing[place->second].kept |= error.kept;
      failing[place->second].unreadable |= error.unreadable;
    }
  }
  if (run.kind != RunKind::kBackup || run.set.empty()) return failing;

  Database& database = file_.database();
  const auto lock = database.lock();
  Statement earlier = database.prepare(
      "SELECT number, coalesce(started, queued) FROM runs WHERE set_name = ? AND kind = ? AND state = ? AND "
      "number < ? ORDER BY number DESC",
      run.set, static_cast<int>(RunKind::kBackup), static_cast<int>(RunState::kFinished), run.number);
  while (!in_a_row.empty() && earlier.step()) {
    Statement paths =
        database.prepare("SELECT DISTINCT path FROM run_errors WHERE run = ?", earlier.integer(0));
    std::map<std::string, std::size_t> still;
    while (paths.step()) {
      const auto found = in_a_row.find(paths.text(0));
      if (found == in_a_row.end()) continue;
      FailingPath& one = failing[found->second];
      one.since = from_nanoseconds(earlier.integer(1));
      ++one.runs;
      still.insert(*found);
    }
    in_a_row = std::move(still);
  }
  return failing;
}

std::uint64_t RunTable::error_count(std::int64_t number) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare("SELECT count(*) FROM run_errors WHERE run = ?", number);
  row.step();
  return row.unsigned_integer(0);
}

std::uint64_t RunTable::errors_not_kept(const RunRow& run) {
  const std::uint64_t kept = error_count(run.number);
  // Below the bound all are kept, each once, however often a run that went on has met it.
  return kept < kMaximumRunErrors || run.error_count < kept ? 0 : run.error_count - kept;
}

}  // namespace garner::catalog
