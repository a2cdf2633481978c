// A run that is not over: its row, what it has achieved, how fast it goes, and the wish to stop it.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>

#include "catalog/run_table.h"
#include "garner/v1/service.pb.h"
#include "stored_request.h"

namespace garner::daemon {

// Why a running run is being stopped; of two the greater counts, and kCancel above all.
enum class StopWish { kNone, kMakeWay, kWindow, kPause, kCancel, kShutdown };

// Any thread. The row is changed by the run queue only.
class ActiveRun {
 public:
  // `errors`: of earlier attempts.
  ActiveRun(catalog::RunRow row, StoredRequest request, const std::vector<catalog::RunErrorRow>& errors,
            std::uint64_t error_count);

  std::int64_t number() const { return number_; }
  catalog::RunKind kind() const { return kind_; }
  const Uuid& uuid() const { return uuid_; }
  const StoredRequest& request() const { return request_; }

  catalog::RunRow row() const;
  void set_row(catalog::RunRow row);
  v1::Run message() const;
  // For the catalog: counters and results.
  Bytes report() const;

  // What the run's work writes: counters, results. Cheap.
  template <typename Change>
  void update(const Change& change) {
    const std::lock_guard lock(mutex_);
    change(report_);
  }
  // Progress while it runs; speed and time left are worked out here.
  void set_progress(std::uint64_t done_files, std::uint64_t done_bytes, std::uint64_t total_files,
                    std::uint64_t total_bytes, const std::string& current, const std::string& stage);
  // Called by message() while the run runs: adds what is so at that moment.
  void set_live(std::function<void(v1::Run&)> live);
  // An error that is in the catalog now; a message carries the first hundred.
  void add_error(const catalog::RunErrorRow& error);
  // Errors known, over all attempts.
  std::uint64_t error_count() const;
  void count_errors(std::uint64_t at_least);

  // A new attempt: no wish, no progress.
  std::stop_token begin_attempt();
  void stop(StopWish wish);
  StopWish wish() const;

 private:
  struct Sample {
    std::chrono::steady_clock::time_point time;
    std::uint64_t bytes = 0;
  };

  const std::int64_t number_;
  const catalog::RunKind kind_;
  const Uuid uuid_;
  const StoredRequest request_;
  mutable std::mutex mutex_;
  catalog::RunRow row_;
  v1::Run report_;
  v1::Progress progress_;
  std::vector<catalog::RunErrorRow> errors_;
  std::uint64_t error_count_ = 0;
  std::deque<Sample> samples_;
  std::function<void(v1::Run&)> live_;
  std::stop_source stop_;
  StopWish wish_ = StopWish::kNone;
};

}  // namespace garner::daemon
