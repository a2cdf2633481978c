// What a person should know: shown with the status until the daemon ends.
#pragma once

#include <mutex>
#include <string>
#include <vector>

namespace garner::daemon {

// Any thread.
class Notices {
 public:
  void add(std::string notice) {
    const std::lock_guard lock(mutex_);
    notices_.push_back(std::move(notice));
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return notices_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> notices_;
};

}  // namespace garner::daemon
