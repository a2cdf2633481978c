#include "active_run.h"

#include <algorithm>

#include "run_message.h"

namespace garner::daemon {

namespace {

// Speed is over this time; a sample is taken this often.
constexpr std::chrono::seconds kSpeedWindow{10};
constexpr std::chrono::milliseconds kSampleInterval{250};

}  // namespace

ActiveRun::ActiveRun(catalog::RunRow row, StoredRequest request,
                     const std::vector<catalog::RunErrorRow>& errors, std::uint64_t error_count)
    : number_(row.number),
      kind_(row.kind),
      uuid_(row.uuid),
      request_(std::move(request)),
      row_(std::move(row)),
      errors_(errors),
      error_count_(error_count) {
  if (!report_.ParseFromArray(row_.report.data(), static_cast<int>(row_.report.size()))) report_.Clear();
}

catalog::RunRow ActiveRun::row() const {
  const std::lock_guard lock(mutex_);
  return row_;
}

void ActiveRun::set_row(catalog::RunRow row) {
  const std::lock_guard lock(mutex_);
  row_ = std::move(row);
}

v1::Run ActiveRun::message() const {
  const std::lock_guard lock(mutex_);
  catalog::RunRow row = row_;
  row.report.clear();
  v1::Run run = report_;
  run.MergeFrom(to_message(row));
  run.set_error_count(std::max(row_.error_count, error_count_));
  add_errors(run, errors_);
  *run.mutable_progress() = progress_;
  if (live_ && row_.state == catalog::RunState::kRunning) live_(run);
  if (samples_.size() >= 2 && row_.state == catalog::RunState::kRunning) {
    const std::chrono::duration<double> time = samples_.back().time - samples_.front().time;
    const double bytes = static_cast<double>(samples_.back().bytes - samples_.front().bytes);
    if (time.count() > 0) {
      const double speed = bytes / time.count();
      run.mutable_progress()->set_bytes_per_second(speed);
      const std::uint64_t total = progress_.total_bytes();
      if (speed > 0 && total > progress_.done_bytes()) {
        const double left = static_cast<double>(total - progress_.done_bytes()) / speed;
        run.mutable_progress()->set_seconds_left(static_cast<std::uint64_t>(left) + 1);
      }
    }
  }
  return run;
}

Bytes ActiveRun::report() const {
  const std::lock_guard lock(mutex_);
  const std::string text = report_.SerializeAsString();
  return {text.begin(), text.end()};
}

void ActiveRun::set_progress(std::uint64_t done_files, std::uint64_t done_bytes, std::uint64_t total_files,
                             std::uint64_t total_bytes, const std::string& current,
                             const std::string& stage) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  progress_.set_done_files(done_files);
  progress_.set_done_bytes(done_bytes);
  progress_.set_total_files(total_files);
  progress_.set_total_bytes(total_bytes);
  progress_.set_current(current);
  progress_.set_stage(stage);
  if (samples_.empty() || now - samples_.back().time >= kSampleInterval) {
    // A later attempt begins lower.
    if (!samples_.empty() && done_bytes < samples_.back().bytes) samples_.clear();
    samples_.push_back({now, done_bytes});
    while (now - samples_.front().time > kSpeedWindow) samples_.pop_front();
  }
}

void ActiveRun::set_live(std::function<void(v1::Run&)> live) {
  const std::lock_guard lock(mutex_);
  live_ = std::move(live);
}

void ActiveRun::add_error(const catalog::RunErrorRow& error) {
  const std::lock_guard lock(mutex_);
  ++error_count_;
  if (errors_.size() < kErrorsInMessage) errors_.push_back(error);
}

std::uint64_t ActiveRun::error_count() const {
  const std::lock_guard lock(mutex_);
  return error_count_;
}

void ActiveRun::count_errors(std::uint64_t at_least) {
  const std::lock_guard lock(mutex_);
  error_count_ = std::max(error_count_, at_least);
}

std::stop_token ActiveRun::begin_attempt() {
  const std::lock_guard lock(mutex_);
  stop_ = std::stop_source();
  wish_ = StopWish::kNone;
  progress_.Clear();
  samples_.clear();
  return stop_.get_token();
}

void ActiveRun::stop(StopWish wish) {
  std::stop_source stop;
  {
    const std::lock_guard lock(mutex_);
    // A run that is to be cancelled is cancelled, even when the daemon is stopped before that is done.
    if (wish_ != StopWish::kCancel) wish_ = wish == StopWish::kCancel ? wish : std::max(wish_, wish);
    stop = stop_;
  }
  // Not under the lock: what is called to stop the run may ask for it.
  stop.request_stop();
}

StopWish ActiveRun::wish() const {
  const std::lock_guard lock(mutex_);
  return wish_;
}

}  // namespace garner::daemon
