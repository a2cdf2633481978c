// What a restore has done so far, counted by all of its threads, and told to its monitor at most every tenth
// of a second. Safe from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "restore/restore.h"

namespace garner::restore {

class Report {
 public:
  explicit Report(RestoreMonitor& monitor) : monitor_(monitor) {}

  void set_totals(std::uint64_t files, std::uint64_t bytes);
  void add_done_file() { ++done_files_; }
  void add_skipped_file() { ++skipped_files_; }
  void add_done_bytes(std::uint64_t bytes) { done_bytes_ += bytes; }
  void add_read_bytes(std::uint64_t bytes) { read_bytes_ += bytes; }
  // `path`: absolute, in the target.
  void error(const std::string& path, const std::string& message);
  // What is being worked on now; `path` is only asked when the monitor is due.
  void at(const std::function<std::string()>& path);

  RestoreProgress progress() const;
  // Tells the monitor now.
  void tell() { monitor_.progressed(progress()); }

 private:
  RestoreMonitor& monitor_;
  std::atomic<std::uint64_t> total_files_ = 0;
  std::atomic<std::uint64_t> total_bytes_ = 0;
  std::atomic<std::uint64_t> done_files_ = 0;
  std::atomic<std::uint64_t> done_bytes_ = 0;
  std::atomic<std::uint64_t> read_bytes_ = 0;
  std::atomic<std::uint64_t> skipped_files_ = 0;
  std::atomic<std::uint64_t> error_count_ = 0;
  std::atomic<std::chrono::steady_clock::time_point> due_{};
  std::mutex error_mutex_;  // one error is told at a time
  mutable std::mutex mutex_;
  std::string current_;
};

}  // namespace garner::restore
