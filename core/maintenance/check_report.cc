#include "maintenance/check_report.h"

#include "base/error.h"

namespace garner::maintenance {
namespace {

constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

void CheckReport::begin_stage(const std::string& stage) {
  throw_if_stopped();
  {
    std::lock_guard lock(mutex_);
    progress_.stage = stage;
  }
  tell();
}

void CheckReport::set_total_packs(std::uint64_t packs) {
  std::lock_guard lock(mutex_);
  progress_.total_packs = packs;
}

void CheckReport::add_pack() {
  std::unique_lock lock(mutex_);
  ++progress_.packs;
  tell_if_due(lock);
}

void CheckReport::add_blobs(std::uint64_t blobs) {
  std::unique_lock lock(mutex_);
  progress_.blobs += blobs;
  tell_if_due(lock);
}

void CheckReport::add_snapshot() {
  std::unique_lock lock(mutex_);
  ++progress_.snapshots;
  tell_if_due(lock);
}

void CheckReport::add_bytes_read(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  progress_.bytes_read += bytes;
  tell_if_due(lock);
}

void CheckReport::problem(const std::string& line) {
  {
    std::lock_guard lock(mutex_);
    ++progress_.problem_count;
  }
  std::lock_guard lock(problem_mutex_);
  monitor_.problem(line);
}

void CheckReport::tell_if_due(std::unique_lock<std::mutex>& lock) {
  const auto now = std::chrono::steady_clock::now();
  if (now < due_) return;
  due_ = now + kInterval;
  const CheckProgress progress = progress_;
  lock.unlock();
  monitor_.progressed(progress);
}

void CheckReport::throw_if_stopped() const {
  if (stopped()) throw Error(ErrorKind::kCancelled, "the check was stopped");
}

CheckProgress CheckReport::progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

}  // namespace garner::maintenance
