// A program that the daemon starts and waits for: as a given user, with nothing of the daemon's but what it
// is given, in a process group of its own that is killed when its time is over.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

namespace garner::daemon {

struct ChildProcess {
  std::vector<std::string> arguments;    // the first is the program's path
  std::vector<std::string> environment;  // "NAME=value"; all there is
  uid_t user = 0;                        // with the groups that the user database gives it
  std::string input;                     // its standard input; it need not read it
  std::chrono::milliseconds limit{60'000};
  std::size_t most_output = 4096;  // bytes of standard output and error that are kept, the last ones
};

struct ChildResult {
  enum class End { kExited, kKilled, kTimedOut, kStopped };
  End end = End::kExited;
  int code = 0;        // kExited: the exit code; kKilled: the signal
  std::string output;  // standard output and error as they came, bytes
  bool ok() const { return end == End::kExited && code == 0; }
  // "it ended with 3", "it did not end within 60 s", …
  std::string text(std::chrono::milliseconds limit) const;
};

// Runs it in the folder / and waits until it has ended, or `stop`. What it leaves running in its group is
// killed, and keeps nobody waiting. Error(kPermissionDenied) for a user that this process cannot become.
ChildResult run_child(const ChildProcess& child, const std::stop_token& stop);

// What a shell command of a user finds in its environment: PATH, HOME, USER, LOGNAME, SHELL, LANG.
std::vector<std::string> environment_of(uid_t user);

}  // namespace garner::daemon
