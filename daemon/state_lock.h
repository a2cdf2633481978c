// One daemon for each state folder.
#pragma once

#include <string>

#include "base/file.h"

namespace garner::daemon {

// Holds <state folder>/lock as long as it lives, and across fork(2) by whoever has a copy. The kernel
// releases it when the process ends, however it ends.
class StateLock {
 public:
  // The folder exists. Error(kConflict) names the process that holds it.
  explicit StateLock(const std::string& state_folder);

  // For a process that ends at once, whatever its threads do: one that a file system keeps in the kernel keeps
  // what is open as well, and with it the lock, until it returns. Whoever else holds the lock by fork(2)
  // does not hold it any more.
  void release() const;

 private:
  Fd file_;
};

}  // namespace garner::daemon
