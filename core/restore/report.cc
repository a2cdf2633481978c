#include "restore/report.h"

namespace garner::restore {
namespace {

constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

void Report::set_totals(std::uint64_t files, std::uint64_t bytes) {
  total_files_ = files;
  total_bytes_ = bytes;
}

void Report::error(const std::string& path, const std::string& message) {
  ++error_count_;
  std::lock_guard lock(error_mutex_);
  monitor_.error(path, message);
}

void Report::at(const std::function<std::string()>& path) {
  const auto now = std::chrono::steady_clock::now();
  auto due = due_.load(std::memory_order_relaxed);
  if (now < due || !due_.compare_exchange_strong(due, now + kInterval)) return;
  {
    std::string current = path();
    std::lock_guard lock(mutex_);
    current_ = std::move(current);
  }
  tell();
}

RestoreProgress Report::progress() const {
  RestoreProgress progress;
  progress.total_files = total_files_;
  progress.total_bytes = total_bytes_;
  progress.done_files = done_files_;
  progress.done_bytes = done_bytes_;
  progress.read_bytes = read_bytes_;
  progress.skipped_files = skipped_files_;
  progress.error_count = error_count_;
  std::lock_guard lock(mutex_);
  progress.current = current_;
  return progress;
}

}  // namespace garner::restore
