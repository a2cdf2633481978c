// Makes the status of one file or folder unreadable, whether it is asked for by its name or its descriptor: a
// source that fails, without such a file system.
#pragma once

#include <string>

namespace garner::backup {

// One at a time.
class FailingStatus {
 public:
  // The next `times` calls of statx for what is at `path` now fail with `error_number`.
  // With `vanishes`, it is removed just before that. `before` calls do not fail yet.
  FailingStatus(const std::string& path, int error_number, int times, bool vanishes = false, int before = 0);
  ~FailingStatus();
  FailingStatus(const FailingStatus&) = delete;
  FailingStatus& operator=(const FailingStatus&) = delete;
  int left() const;
};

}  // namespace garner::backup
