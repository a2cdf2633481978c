// What people ask of the run queue.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/log_context.h"
#include "run_message.h"
#include "run_queue.h"

namespace garner::daemon {

using catalog::PauseReason;
using catalog::RunKind;
using catalog::RunRow;
using catalog::RunState;

namespace {

constexpr std::chrono::seconds kStopPatience{10};
// Of a page. A run may have a thousand lines of problems.
constexpr std::uint64_t kMostListed = 200;
constexpr std::size_t kMostListedBytes = 1u << 20;

bool waits_for_place(const RunRow& row) {
  return row.pause_reason == PauseReason::kDestinationAway ||
         row.pause_reason == PauseReason::kDestinationFull || row.pause_reason == PauseReason::kStateFull;
}

Error is_over_error(std::int64_t number) {
  return Error(ErrorKind::kConflict, "run " + std::to_string(number) + " is over");
}

}  // namespace

v1::Run RunQueue::add(RunKind kind, const std::string& set, StoredRequest request,
                      const std::function<void(v1::Run&)>& describe,
                      const std::function<void(catalog::Database&)>& also) {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<ActiveRun> run = add_locked(kind, set, std::move(request), describe, also);
  begin_runs();
  lock.unlock();
  make_way();
  return run->message();
}

std::shared_ptr<ActiveRun> RunQueue::add_locked(RunKind kind, const std::string& set, StoredRequest request,
                                                const std::function<void(v1::Run&)>& describe,
                                                const std::function<void(catalog::Database&)>& also) {
  if (stopping_) throw Error(ErrorKind::kConflict, "garnerd is stopping");
  for (const auto& [number, run] : active_) {
    if (kind != RunKind::kBackup || run->kind() != kind || run->row().set != set) continue;
    throw Error(ErrorKind::kConflict, "set '" + set + "' has an unfinished backup already: run " +
                                          std::to_string(number) + " (see `garner run show " +
                                          std::to_string(number) + "`)");
  }
  v1::Run report;
  if (describe) describe(report);
  const std::string text = report.SerializeAsString();
  RunRow row;
  row.uuid = Uuid::random();
  row.kind = kind;
  row.set = set;
  row.request = encode(request);
  row.queued = clock_.now();
  row.report.assign(text.begin(), text.end());
  row.number = catalog_.runs().add(row, also);
  const auto run =
      std::make_shared<ActiveRun>(row, std::move(request), std::vector<catalog::RunErrorRow>{}, 0);
  active_[row.number] = run;
  const LogScope scope({row.number, row.set});
  spdlog::info("run {}: queued", row.number);
  changed_();
  return run;
}

std::shared_ptr<ActiveRun> RunQueue::require_active(std::int64_t number) {
  const auto found = active_.find(number);
  if (found != active_.end() && !catalog::is_over(found->second->row().state)) return found->second;
  if (found != active_.end() || catalog_.runs().find(number).has_value()) throw is_over_error(number);
  throw Error(ErrorKind::kNotFound, "there is no run " + std::to_string(number));
}

v1::Run RunQueue::pause(std::int64_t number) {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<ActiveRun> run = require_active(number);
  if (run->row().state != RunState::kRunning) {
    change(*run, RunState::kPaused, PauseReason::kUser, "");
    return run->message();
  }
  lock.unlock();
  run->stop(StopWish::kPause);
  lock.lock();
  moved_.wait_for(lock, kStopPatience, [&] { return run->row().state != RunState::kRunning; });
  return run->message();
}

v1::Run RunQueue::resume(std::int64_t number) {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<ActiveRun> run = require_active(number);
  if (run->row().state == RunState::kPaused) {
    change(*run, RunState::kQueued, PauseReason::kNone, "");
    begin_runs();
  } else if (run->wish() == StopWish::kPause) {
    throw Error(ErrorKind::kConflict, "run " + std::to_string(number) + " is still being paused: try again");
  }
  lock.unlock();
  make_way();
  return run->message();
}

v1::Run RunQueue::cancel(std::int64_t number) {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<ActiveRun> run = require_active(number);
  const bool running = run->row().state == RunState::kRunning;
  const bool first = run->wish() != StopWish::kCancel;
  lock.unlock();
  // From now on it does not begin any more.
  run->stop(StopWish::kCancel);
  if (!running && first) {
    const std::string left = abandon(*run);
    work_.on_failure(*run, RunState::kCancelled);
    work_.clean_up(*run);
    lock.lock();
    finish(run, RunState::kCancelled, left);
    return run->message();
  }
  lock.lock();
  moved_.wait_for(lock, kStopPatience, [&] { return catalog::is_over(run->row().state); });
  return run->message();
}

v1::Run RunQueue::get(std::int64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = active_.find(number);
  if (found != active_.end()) return found->second->message();
  const std::optional<RunRow> row = catalog_.runs().find(number);
  if (!row.has_value()) throw Error(ErrorKind::kNotFound, "there is no run " + std::to_string(number));
  v1::Run message = to_message(*row);
  add_errors(message, catalog_.runs().errors(number, kErrorsInMessage));
  return message;
}

v1::ListRunsResponse RunQueue::list(const v1::ListRunsRequest& request) {
  const std::int64_t before = request.before().empty() ? std::numeric_limits<std::int64_t>::max()
                                                       : parse_run_number(request.before());
  const std::uint64_t limit =
      request.limit() == 0 ? kMostListed : std::min<std::uint64_t>(request.limit(), kMostListed);
  v1::ListRunsResponse page;
  std::size_t bytes = 0;
  const std::lock_guard lock(mutex_);
  for (const RunRow& row : catalog_.runs().list(request.set(), limit + 1, before)) {
    page.set_more(static_cast<std::uint64_t>(page.runs_size()) == limit || bytes > kMostListedBytes);
    if (page.more()) break;
    const auto live = active_.find(row.number);
    v1::Run& run = *page.add_runs();
    if (live != active_.end()) {
      run = live->second->message();
    } else {
      run = to_message(row);
    }
    run.clear_errors();
    // Of each of thousands of runs a list of snapshots would be too much.
    if (run.has_forget()) run.mutable_forget()->clear_snapshots();
    bytes += run.ByteSizeLong();
  }
  return page;
}

std::vector<v1::Run> RunQueue::active() {
  const std::lock_guard lock(mutex_);
  std::vector<v1::Run> runs;
  for (const auto& [number, run] : active_) {
    if (!catalog::is_over(run->row().state)) runs.push_back(run->message());
  }
  return runs;
}

std::optional<std::int64_t> RunQueue::unfinished(RunKind kind, const std::string& destination,
                                                 const std::optional<std::string>& set) {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, run] : active_) {
    const auto& names = run->request().destinations;
    if (run->kind() != kind || catalog::is_over(run->row().state)) continue;
    if (set && run->row().set != *set) continue;
    if (std::find(names.begin(), names.end(), destination) != names.end()) return number;
  }
  return std::nullopt;
}

bool RunQueue::uses_set(const std::string& set) {
  const std::lock_guard lock(mutex_);
  return std::any_of(active_.begin(), active_.end(), [&](const auto& entry) {
    const RunKind kind = entry.second->kind();
    return (kind == RunKind::kBackup || kind == RunKind::kCopy) && entry.second->row().set == set;
  });
}

bool RunQueue::uses_destination(const std::string& destination) {
  const std::lock_guard lock(mutex_);
  return std::any_of(active_.begin(), active_.end(), [&](const auto& entry) {
    const auto& names = entry.second->request().destinations;
    return std::find(names.begin(), names.end(), destination) != names.end();
  });
}

bool RunQueue::is_running() {
  const std::lock_guard lock(mutex_);
  return std::any_of(running_.begin(), running_.end(), [](const auto& run) { return run != nullptr; });
}

void RunQueue::while_idle(const std::function<void()>& work) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& run : running_) {
      if (!run) continue;
      throw Error(ErrorKind::kConflict,
                  "run " + std::to_string(run->number()) + " is running: wait for it, or pause it");
    }
    if (held_) throw Error(ErrorKind::kConflict, "keys are being changed already");
    held_ = true;
  }
  const auto release = [this] {
    const std::lock_guard lock(mutex_);
    held_ = false;
    begin_runs();
  };
  try {
    work();
  } catch (...) {
    release();
    throw;
  }
  release();
}

std::vector<RunQueue::Waiting> RunQueue::waiting() {
  const std::lock_guard lock(mutex_);
  std::vector<Waiting> all;
  for (const auto& [number, run] : active_) {
    const RunRow row = run->row();
    if (row.state != RunState::kPaused || !waits_for_place(row)) continue;
    all.push_back({number, row.pause_reason, run->request().destinations});
  }
  return all;
}

void RunQueue::retry(std::int64_t number) {
  std::unique_lock lock(mutex_);
  const auto found = active_.find(number);
  if (found == active_.end()) return;
  const RunRow row = found->second->row();
  if (row.state != RunState::kPaused || !waits_for_place(row)) return;
  change(*found->second, RunState::kQueued, PauseReason::kNone, "");
  begin_runs();
  lock.unlock();
  make_way();
}

void RunQueue::pause_for_window(std::int64_t number, const std::string& message) {
  std::shared_ptr<ActiveRun> running;
  {
    const std::lock_guard lock(mutex_);
    const auto found = active_.find(number);
    if (found == active_.end()) return;
    const RunRow row = found->second->row();
    if (row.state == RunState::kRunning) {
      running = found->second;
    } else if (row.state == RunState::kQueued || row.state == RunState::kInterrupted) {
      change(*found->second, RunState::kPaused, PauseReason::kWindow, message);
    }
  }
  if (running) running->stop(StopWish::kWindow);
}

void RunQueue::resume_in_window(std::int64_t number) {
  std::unique_lock lock(mutex_);
  const auto found = active_.find(number);
  if (found == active_.end()) return;
  const RunRow row = found->second->row();
  if (row.state != RunState::kPaused || row.pause_reason != PauseReason::kWindow) return;
  change(*found->second, RunState::kQueued, PauseReason::kNone, "");
  begin_runs();
  lock.unlock();
  make_way();
}

}  // namespace garner::daemon
