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

 private:
  Fd file_;
};

}  // namespace garner::daemon
