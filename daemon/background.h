// Going to the background: the process that was started waits until the one it made serves, or says why not.
#pragma once

#include <string>

#include "base/file.h"

namespace garner::daemon {

// Held by the process in the background. Call before any thread is made.
class Background {
 public:
  // Forks. The parent does not return: it ends with 0 once ready() was called, or prints what failed() was
  // told and ends with 1. The child returns, in a session of its own.
  static Background enter();
  Background(Background&&) noexcept = default;

  // Standard input, output and error go to /dev/null from now on.
  void ready();
  void failed(const std::string& message);

 private:
  explicit Background(Fd pipe) : pipe_(std::move(pipe)) {}
  Fd pipe_;
};

}  // namespace garner::daemon
