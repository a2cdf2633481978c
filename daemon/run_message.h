// Runs as messages of the API.
#pragma once

#include <vector>

#include "catalog/run_log_table.h"
#include "catalog/run_table.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// How many of a run's errors a message carries.
inline constexpr std::uint64_t kErrorsInMessage = 100;
// How many problems the report of a check or of a prune has.
inline constexpr int kMostProblems = 1000;

// "backup", "restore", …; "queued", "running", …
const char* describe(catalog::RunKind kind);
const char* describe(catalog::RunState state);

// The row's report with the row's columns over it. Without errors and progress.
v1::Run to_message(const catalog::RunRow& row);
void add_errors(v1::Run& run, const std::vector<catalog::RunErrorRow>& errors);
void add_log(v1::Run& run, const std::vector<catalog::RunLogLine>& lines);

// Takes out what tells of the content of a source, a target or a destination: for callers who may see no more
// than how things stand.
void redact(v1::Run& run);
void redact(v1::Status& status);

// Of what people type. Error(kNotFound).
std::int64_t parse_run_number(const std::string& text);

}  // namespace garner::daemon
