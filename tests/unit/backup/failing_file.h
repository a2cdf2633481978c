// Makes one file or folder of a source fail, in the ways that disks and file systems on a network do, without
// such a file system.
#pragma once

#include <cstddef>
#include <string>

namespace garner::backup {

// One of a kind at a time.
class FailingCall {
 public:
  enum class Call { kStatus, kOpen };
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;
  // How many more calls are to fail.
  int left() const;

 protected:
  // The next `times` such calls for what is at `path` now fail with `error_number`, whether it is asked for
  // by its name or its descriptor. With `vanishes`, it is removed just before that. `before` calls do not
  // fail yet.
  FailingCall(Call call, const std::string& path, int error_number, int times, bool vanishes, int before);
  ~FailingCall();

 private:
  const Call call_;
};

struct FailingStatus : FailingCall {
  FailingStatus(const std::string& path, int error_number, int times, bool vanishes = false, int before = 0)
      : FailingCall(Call::kStatus, path, error_number, times, vanishes, before) {}
};

struct FailingOpen : FailingCall {
  FailingOpen(const std::string& path, int error_number, int times, bool vanishes = false)
      : FailingCall(Call::kOpen, path, error_number, times, vanishes, /*before=*/0) {}
};

// One at a time. What is at `path` now ends after `length` bytes when it is read, whatever its status says.
class EarlyEnd {
 public:
  EarlyEnd(const std::string& path, long length);
  ~EarlyEnd();
  EarlyEnd(const EarlyEnd&) = delete;
  EarlyEnd& operator=(const EarlyEnd&) = delete;
};

// One at a time. What is at `path` now becomes one byte longer just before each of the next `times` reads of
// it.
class ChangesWhenRead {
 public:
  ChangesWhenRead(const std::string& path, int times);
  ~ChangesWhenRead();
  ChangesWhenRead(const ChangesWhenRead&) = delete;
  ChangesWhenRead& operator=(const ChangesWhenRead&) = delete;
};

}  // namespace garner::backup
