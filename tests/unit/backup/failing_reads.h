// Makes one file fail in ways that a file system on a network does, without such a file system.
#pragma once

#include <string>

namespace garner::backup {

// One at a time.
class FailingOpen {
 public:
  // The next `times` calls of openat that open what is at `path` now, however, fail with `error_number`. With
  // `vanishes`, it is removed just before that.
  FailingOpen(const std::string& path, int error_number, int times, bool vanishes = false);
  ~FailingOpen();
  FailingOpen(const FailingOpen&) = delete;
  FailingOpen& operator=(const FailingOpen&) = delete;
  int left() const;
};

// One at a time. What is at `path` now ends after `length` bytes when it is read, whatever its status says.
class EarlyEnd {
 public:
  EarlyEnd(const std::string& path, long length);
  ~EarlyEnd();
  EarlyEnd(const EarlyEnd&) = delete;
  EarlyEnd& operator=(const EarlyEnd&) = delete;
};

}  // namespace garner::backup
