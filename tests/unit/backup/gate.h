// What tests hold the threads of a run back with.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "support/eventually.h"

namespace garner::backup {

// A gate in front of what is delivered, which a test opens. Any thread.
class Gate {
 public:
  explicit Gate(bool open) : open_(open) {}
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    if (!changed_.wait_for(lock, garner::testing::kPatience, [&] { return open_; }))
      throw std::runtime_error("the gate stayed shut");
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait_for_arrivals(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, garner::testing::kPatience, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_;
  int arrived_ = 0;
};

}  // namespace garner::backup
