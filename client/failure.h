// How a command fails: the message for people, what they can do about it, and the exit code. main() prints
// it.
#pragma once

#include <stdexcept>
#include <string>

namespace garner::client {

enum ExitCode : int {
  kExitDone = 0,    // or detached
  kExitFailed = 1,  // or cancelled
  kExitUsage = 2,
  kExitIncomplete = 3,   // done, but some files, destinations or metadata were not
  kExitUnreachable = 4,  // no daemon
  kExitNotPermitted = 5,
  kExitDamaged = 6,  // damaged data was found
};

class Failure : public std::runtime_error {
 public:
  Failure(ExitCode exit_code, const std::string& message, std::string advice = {})
      : std::runtime_error(message), exit_code_(exit_code), advice_(std::move(advice)) {}

  ExitCode exit_code() const { return exit_code_; }
  const std::string& advice() const { return advice_; }  // may be empty, may have several lines

 private:
  ExitCode exit_code_;
  std::string advice_;
};

// What was typed cannot be: nothing has been sent.
inline Failure usage_failure(const std::string& message, std::string advice = {}) {
  return Failure(kExitUsage, message, std::move(advice));
}

}  // namespace garner::client
