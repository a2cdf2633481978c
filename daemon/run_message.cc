#include "run_message.h"

#include "base/error.h"
#include "base/number.h"
#include "timestamp.h"

namespace garner::daemon {

const char* describe(catalog::RunKind kind) {
  switch (kind) {
    case catalog::RunKind::kBackup:
      return "backup";
    case catalog::RunKind::kRestore:
      return "restore";
    case catalog::RunKind::kCheck:
      return "check";
    case catalog::RunKind::kRepair:
      return "repair";
    case catalog::RunKind::kForget:
      return "forget";
    case catalog::RunKind::kPrune:
      return "prune";
    case catalog::RunKind::kCopy:
      return "copy";
  }
  return "run";
}

const char* describe(catalog::RunState state) {
  switch (state) {
    case catalog::RunState::kQueued:
      return "queued";
    case catalog::RunState::kRunning:
      return "running";
    case catalog::RunState::kPaused:
      return "paused";
    case catalog::RunState::kInterrupted:
      return "interrupted";
    case catalog::RunState::kFinished:
      return "finished";
    case catalog::RunState::kFailed:
      return "failed";
    case catalog::RunState::kCancelled:
      return "cancelled";
  }
  return "in an unknown state";
}

v1::Run to_message(const catalog::RunRow& row) {
  v1::Run run;
  // A report that cannot be read costs its numbers, not the run.
  if (!run.ParseFromArray(row.report.data(), static_cast<int>(row.report.size()))) run.Clear();
  run.set_run_id(std::to_string(row.number));
  run.set_kind(static_cast<v1::RunKind>(row.kind));
  run.set_state(static_cast<v1::RunState>(row.state));
  run.set_pause_reason(static_cast<v1::PauseReason>(row.pause_reason));
  run.set_set(row.set);
  run.set_message(row.message);
  run.set_error_count(row.error_count);
  run.set_attempts(row.attempts);
  *run.mutable_queued() = to_timestamp(row.queued);
  if (row.started.has_value()) *run.mutable_started() = to_timestamp(*row.started);
  if (row.finished.has_value()) *run.mutable_finished() = to_timestamp(*row.finished);
  return run;
}

void add_errors(v1::Run& run, const std::vector<catalog::RunErrorRow>& errors) {
  for (const catalog::RunErrorRow& error : errors) {
    v1::RunError* added = run.add_errors();
    added->set_path(printable(error.path));
    added->set_message(error.message);
  }
}

void add_log(v1::Run& run, const std::vector<catalog::RunLogLine>& lines) {
  for (const catalog::RunLogLine& line : lines) {
    v1::RunLogLine& added = *run.add_log();
    *added.mutable_time() = to_timestamp(line.time);
    added.set_origin(line.origin);
    added.set_text(line.text);
  }
  // They are numbered from 1; lines that are missing between two were dropped with those before.
  if (!lines.empty()) run.set_log_lines_dropped(lines.back().number - lines.size());
}

void redact(v1::Run& run) {
  run.clear_errors();
  run.clear_log();
  run.clear_log_lines_dropped();
  run.clear_target();
  run.clear_message();
  if (run.has_prune()) run.mutable_prune()->clear_problems();
  if (run.has_check()) run.mutable_check()->clear_problems();
  if (run.has_progress()) run.mutable_progress()->clear_current();
  for (v1::DestinationRun& destination : *run.mutable_destinations()) destination.clear_error();
}

void redact(v1::Status& status) {
  for (v1::Run& run : *status.mutable_active_runs()) redact(run);
  for (v1::SetStatus& set : *status.mutable_sets()) {
    if (set.has_last_run()) redact(*set.mutable_last_run());
    if (set.has_last_ended()) redact(*set.mutable_last_ended());
    for (v1::SetDestination& one : *set.mutable_destinations()) one.clear_reason();
    set.clear_waits_for();
  }
  for (v1::Destination& destination : *status.mutable_destinations()) {
    destination.clear_url();
    destination.clear_detail();
    destination.clear_options();
    if (destination.has_growth()) destination.mutable_growth()->clear_hosts();
    if (!destination.has_maintenance()) continue;
    v1::MaintenanceStatus& maintenance = *destination.mutable_maintenance();
    if (maintenance.has_last_prune()) redact(*maintenance.mutable_last_prune());
    if (maintenance.has_last_check()) redact(*maintenance.mutable_last_check());
    maintenance.clear_prune_waits_for();
    maintenance.clear_check_waits_for();
  }
  status.clear_notices();
  status.clear_state_folder();
}

std::int64_t parse_run_number(const std::string& text) {
  const auto number = parse_number<std::int64_t>(text);
  if (!number || *number <= 0)
    throw Error(ErrorKind::kNotFound, "there is no run '" + printable(text) + "': runs have numbers");
  return *number;
}

}  // namespace garner::daemon
