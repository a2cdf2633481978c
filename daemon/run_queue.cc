#include "run_queue.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "destination_runs.h"
#include "run_message.h"

namespace garner::daemon {

using catalog::PauseReason;
using catalog::RunKind;
using catalog::RunRow;
using catalog::RunState;

namespace {

// How often maintenance makes way for scheduled backups: attempts before the one that is left alone.
constexpr std::uint32_t kMostWays = 3;

bool waits_for_its_turn(RunState state) {
  return state == RunState::kQueued || state == RunState::kInterrupted;
}

bool is_maintenance(const ActiveRun& run) {
  return run.request().by_itself &&
         (run.kind() == RunKind::kCheck || run.kind() == RunKind::kPrune || run.kind() == RunKind::kCopy);
}

// A backup that has its snapshot, and at this moment gives it to a destination.
bool is_filling(ActiveRun& run) {
  if (run.kind() != RunKind::kBackup) return false;
  bool filling = false;
  run.update([&](const v1::Run& report) {
    filling = !report.snapshot_id().empty() &&
              std::ranges::any_of(report.destinations(), [](const v1::DestinationRun& part) {
                return part.state() == v1::DESTINATION_RUN_STATE_FILLING;
              });
  });
  return filling;
}

// Of those that wait, the least begins first. To give a destination what others have may take days.
int order_of(const ActiveRun& run) {
  if (is_maintenance(run)) return 2;
  if (run.kind() == RunKind::kCopy) return 1;
  return run.kind() == RunKind::kBackup && !run.message().snapshot_id().empty() ? 1 : 0;
}

// A forget after a backup can wait for a check.
bool goes_before(const ActiveRun& waiting, const ActiveRun& running) {
  if (waiting.request().by_itself) return false;
  // Somebody waits for the one that runs, too.
  if (!is_maintenance(running)) return order_of(waiting) == 0;
  // It loses nothing by it.
  if (running.kind() == RunKind::kCopy) return true;
  return running.row().attempts <= kMostWays || !waiting.message().scheduled();
}

}  // namespace

RunQueue::RunQueue(catalog::Catalog& catalog, RunWork& work, const Clock& clock,
                   std::function<void()> changed, Also also)
    : catalog_(catalog), work_(work), clock_(clock), changed_(std::move(changed)), also_(std::move(also)) {}

RunQueue::~RunQueue() {
  stop(std::chrono::steady_clock::now());
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

RunQueue::Lane RunQueue::lane_of(RunKind kind) {
  switch (kind) {
    case RunKind::kBackup:
    case RunKind::kRepair:
    case RunKind::kPrune:
    case RunKind::kCopy:
      return kWriting;
    default:
      // A forget is one record, whatever runs beside it.
      return kReading;
  }
}

// ---- Start and stop ----

void RunQueue::take_up(const RunRow& row) {
  const std::vector<catalog::RunErrorRow> errors = catalog_.runs().errors(row.number, kErrorsInMessage);
  const auto run =
      std::make_shared<ActiveRun>(row, decode_request(row.request), errors,
                                  std::max(row.error_count, catalog_.runs().error_count(row.number)));
  active_[row.number] = run;
  if (row.state == RunState::kRunning) {
    change(*run, RunState::kInterrupted, PauseReason::kNone, "the daemon ended while it ran");
  }
}

void RunQueue::load() {
  const std::lock_guard lock(mutex_);
  for (RunRow& row : catalog_.runs().unfinished()) {
    try {
      take_up(row);
    } catch (const Error& error) {
      const LogScope scope({row.number, row.set});
      spdlog::error("run {} cannot go on: {}", row.number, error.what());
      row.state = RunState::kFailed;
      row.message = error.what();
      row.finished = clock_.now();
      catalog_.runs().change(row, [&](catalog::Database& database) {
        if (also_) also_(database, row);
      });
    }
  }
  std::vector<Uuid> runs;
  for (const auto& [number, run] : active_) runs.push_back(run->uuid());
  work_.clean_spool(runs);
}

void RunQueue::start() {
  const std::lock_guard lock(mutex_);
  started_ = true;
  begin_runs();
}

bool RunQueue::stop(std::chrono::steady_clock::time_point deadline) {
  std::vector<std::shared_ptr<ActiveRun>> to_stop;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.shut_down();
    for (const auto& run : running_) {
      if (run) to_stop.push_back(run);
    }
  }
  for (const auto& run : to_stop) run->stop(StopWish::kShutdown);
  std::unique_lock lock(mutex_);
  return moved_.wait_until(lock, deadline, [&] { return !running_[kWriting] && !running_[kReading]; });
}

// ---- Changes of state ----

void RunQueue::write(ActiveRun& run, const RunRow& row) {
  const LogScope scope({row.number, row.set});
  run.set_row(row);
  try {
    catalog_.runs().change(row, [&](catalog::Database& database) {
      if (row.state == RunState::kFinished || row.state == RunState::kFailed)
        RunWork::note_end(database, run);
      if (also_) also_(database, row);
    });
    unwritten_.erase(row.number);
  } catch (const Error& error) {
    // What happens goes on; the catalog hears of it when it can.
    spdlog::error("run {}: noting that it is {}: {}", row.number, describe(row.state), error.what());
    unwritten_[row.number] = row;
  }
  moved_.notify_all();
  changed_();
}

void RunQueue::change(ActiveRun& run, RunState state, PauseReason reason, const std::string& message) {
  RunRow row = run.row();
  row.state = state;
  row.pause_reason = reason;
  row.message = message;
  row.report = run.report();
  row.error_count = std::max(row.error_count, run.error_count());
  if (state == RunState::kRunning) {
    ++row.attempts;
    if (!row.started.has_value()) row.started = clock_.now();
  }
  write(run, row);
  const LogScope scope({row.number, row.set});
  spdlog::info("run {}: {} ({}{}){}{}", row.number, describe(state), describe(row.kind),
               row.set.empty() ? "" : " of " + row.set, message.empty() ? "" : ": ", message);
}

void RunQueue::finish(const std::shared_ptr<ActiveRun>& run, RunState state, const std::string& message,
                      const std::string& failure) {
  RunRow row = run->row();
  row.state = state;
  row.pause_reason = PauseReason::kNone;
  row.message = message;
  row.failure = failure;
  row.finished = clock_.now();
  row.report = run->report();
  row.error_count = std::max(row.error_count, run->error_count());
  write(*run, row);
  const LogScope scope({row.number, row.set});
  const auto level = state == RunState::kFailed ? spdlog::level::err : spdlog::level::info;
  spdlog::log(level, "run {}: {} ({}{}), {} errors{}{}", row.number, describe(state), describe(row.kind),
              row.set.empty() ? "" : " of " + row.set, row.error_count, message.empty() ? "" : ": ", message);
  forget_if_over(run);
}

void RunQueue::forget_if_over(const std::shared_ptr<ActiveRun>& run) {
  // A state that is not written yet is known here only.
  if (catalog::is_over(run->row().state) && !unwritten_.contains(run->number())) active_.erase(run->number());
}

void RunQueue::write_again() {
  const std::lock_guard lock(mutex_);
  const auto unwritten = unwritten_;
  for (const auto& [number, row] : unwritten) {
    const auto run = active_.find(number);
    if (run == active_.end()) continue;
    const std::shared_ptr<ActiveRun> kept = run->second;
    write(*kept, row);
    forget_if_over(kept);
  }
}

// ---- Running ----

void RunQueue::begin_runs() {
  if (!started_ || stopping_ || held_) return;
  for (const Lane lane : {kWriting, kReading}) {
    if (running_[lane]) continue;
    const std::shared_ptr<ActiveRun> run = next_in(lane);
    if (!run) continue;
    running_[lane] = run;
    const std::stop_token stop = run->begin_attempt();
    change(*run, RunState::kRunning, PauseReason::kNone, "");
    threads_[lane] = std::thread([this, lane, started = run, stop] { run_thread(lane, started, stop); });
  }
}

std::shared_ptr<ActiveRun> RunQueue::next_in(Lane lane) {
  std::shared_ptr<ActiveRun> next;
  for (const auto& [number, run] : active_) {
    if (lane_of(run->kind()) != lane || !waits_for_its_turn(run->row().state)) continue;
    if (run->wish() == StopWish::kCancel) continue;  // somebody is cancelling it
    if (!next || order_of(*run) < order_of(*next)) next = run;
  }
  return next;
}

void RunQueue::make_way() {
  std::vector<std::shared_ptr<ActiveRun>> to_stop;
  {
    const std::lock_guard lock(mutex_);
    for (const Lane lane : {kWriting, kReading}) {
      const std::shared_ptr<ActiveRun> running = running_[lane];
      if (!running) continue;
      if (!is_maintenance(*running) && running->kind() != RunKind::kCopy && !is_filling(*running)) continue;
      const std::shared_ptr<ActiveRun> next = next_in(lane);
      if (next && goes_before(*next, *running)) to_stop.push_back(running);
    }
  }
  for (const auto& run : to_stop) run->stop(StopWish::kMakeWay);
}

void RunQueue::end_filling(std::int64_t number) {
  std::shared_ptr<ActiveRun> run;
  {
    const std::lock_guard lock(mutex_);
    run = running_[kWriting];
    if (!run || run->number() != number || !is_filling(*run)) return;
  }
  run->stop(StopWish::kMakeWay);
}

void RunQueue::run_thread(Lane lane, const std::shared_ptr<ActiveRun>& run, const std::stop_token& stop) {
  const LogScope scope({run->number(), run->row().set});
  const Outcome outcome = attempt(*run, stop);
  if (catalog::is_over(outcome.state)) {
    try {
      work_.clean_up(*run);
    } catch (const Error& error) {
      spdlog::warn("run {}: {}", run->number(), error.what());
    }
  }
  std::optional<StoredRequest> next;
  std::vector<StoredRequest> copies;
  if (outcome.state == RunState::kFinished) {
    try {
      copies = work_.copies_after(*run);
      next = work_.follow_up(*run);
    } catch (const Error& error) {
      spdlog::error("run {}: {}", run->number(), error.what());
    }
  }
  // A run's buffers are worth more to others now.
  malloc_trim(0);
  const std::lock_guard lock(mutex_);
  running_[lane].reset();
  if (catalog::is_over(outcome.state)) {
    finish(run, outcome.state, outcome.message, outcome.failure);
  } else {
    change(*run, outcome.state, outcome.reason, outcome.message);
  }
  if (next && !stopping_) {
    try {
      add_locked(RunKind::kForget, "", std::move(*next), {}, {});
    } catch (const Error& error) {
      spdlog::error("run {}: forgetting after it: {}", run->number(), error.what());
    }
  }
  if (!stopping_) add_copies(*run, std::move(copies));
  // Nobody waits for this thread any more: the lane's next run gets one of its own.
  if (!stopping_) threads_[lane].detach();
  begin_runs();
}

// Those that cannot be added, or are lost with the process: DestinationWatch adds them later.
void RunQueue::add_copies(const ActiveRun& after, std::vector<StoredRequest> copies) {
  for (StoredRequest& copy : copies) {
    const std::string destination = copy.destinations.front();
    try {
      add_locked(
          RunKind::kCopy, after.row().set, std::move(copy),
          [&](v1::Run& report) { part_of(report, destination).set_state(v1::DESTINATION_RUN_STATE_WAITING); },
          {});
    } catch (const Error& error) {
      spdlog::error("run {}: the copy to {} after it: {}", after.number(), destination, error.what());
    }
  }
}

RunQueue::Outcome RunQueue::attempt(ActiveRun& run, const std::stop_token& stop) {
  const StopScope scope(stop);
  Outcome outcome;
  try {
    work_.execute(run, stop);
    return outcome;
  } catch (...) {
    outcome = outcome_of(run, std::current_exception());
  }
  if (outcome.state == RunState::kCancelled || outcome.state == RunState::kFailed) {
    const std::string left = abandon(run);
    if (!left.empty()) outcome.message += (outcome.message.empty() ? "" : "; ") + left;
    work_.on_failure(run, outcome.state);
  }
  return outcome;
}

RunQueue::Outcome RunQueue::outcome_of(ActiveRun& run, std::exception_ptr error) {
  const StopWish wish = run.wish();
  if (wish == StopWish::kCancel) return {RunState::kCancelled, PauseReason::kNone, "", ""};
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    const bool may_wait = run.kind() == RunKind::kBackup || run.kind() == RunKind::kRestore ||
                          run.kind() == RunKind::kPrune || run.kind() == RunKind::kCopy ||
                          is_maintenance(run);
    if (known.kind() == ErrorKind::kDestinationAway && may_wait) {
      return {RunState::kPaused, PauseReason::kDestinationAway, known.what(), ""};
    }
    if (known.kind() == ErrorKind::kDestinationFull && may_wait) {
      return {RunState::kPaused, PauseReason::kDestinationFull, known.what(), ""};
    }
    if (known.kind() == ErrorKind::kStateFull && may_wait) {
      return {RunState::kPaused, PauseReason::kStateFull, known.what(), ""};
    }
    if (known.kind() == ErrorKind::kCancelled && wish == StopWish::kMakeWay) {
      return {RunState::kQueued, PauseReason::kNone, "it makes way for other runs", ""};
    }
    if (known.kind() == ErrorKind::kCancelled && wish == StopWish::kPause) {
      return {RunState::kPaused, PauseReason::kUser, "", ""};
    }
    if (known.kind() == ErrorKind::kCancelled && wish == StopWish::kWindow) {
      return {RunState::kPaused, PauseReason::kWindow, "its window has closed", ""};
    }
    if (known.kind() == ErrorKind::kCancelled && wish == StopWish::kShutdown) {
      return {RunState::kInterrupted, PauseReason::kNone, "the daemon was stopped", ""};
    }
    return {RunState::kFailed, PauseReason::kNone, known.what(), std::string(to_string(known.kind()))};
  } catch (const std::exception& other) {
    return {RunState::kFailed, PauseReason::kNone, other.what(),
            std::string(to_string(ErrorKind::kInternal))};
  }
}

std::string RunQueue::abandon(ActiveRun& run) {
  const LogScope scope({run.number(), run.row().set});
  try {
    work_.abandon(run);
    return {};
  } catch (const std::exception& error) {
    spdlog::warn("run {}: what it left at the destination stays there: {}", run.number(), error.what());
    return std::string("what it left at the destination stays there: ") + error.what();
  }
}

}  // namespace garner::daemon
