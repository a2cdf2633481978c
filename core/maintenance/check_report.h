// What a check has seen so far, counted by all of its threads, and told to its monitor at most every tenth of
// a second. Safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>

#include "maintenance/check.h"

namespace garner::maintenance {

class CheckReport {
 public:
  CheckReport(CheckMonitor& monitor, std::stop_token stop) : monitor_(monitor), stop_(std::move(stop)) {}

  void begin_stage(const std::string& stage);
  void set_total_packs(std::uint64_t packs);
  void add_pack();
  void add_blobs(std::uint64_t blobs);
  void add_snapshot();
  void add_bytes_read(std::uint64_t bytes);
  void problem(const std::string& line);
  void read_whole(const PackSize& pack, bool sound) { monitor_.read_whole(pack, sound); }
  std::string known_of_folder(const std::string& path, const crypto::BlobId& snapshot) {
    return monitor_.known_of_folder(path, snapshot);
  }

  bool stopped() const { return stop_.stop_requested(); }
  // Error(kCancelled).
  void throw_if_stopped() const;
  CheckProgress progress() const;
  // Tells the monitor now.
  void tell() { monitor_.progressed(progress()); }

 private:
  void tell_if_due(std::unique_lock<std::mutex>& lock);

  CheckMonitor& monitor_;
  const std::stop_token stop_;
  std::mutex problem_mutex_;  // one problem is told at a time
  mutable std::mutex mutex_;
  CheckProgress progress_;
  std::chrono::steady_clock::time_point due_;
};

}  // namespace garner::maintenance
