// Runs a test's steps in a forked child in which chosen system calls fail with chosen errors: disks that are
// full, die or lack a feature, without such a disk. The kernel does it (seccomp), so whatever is called is
// really called; it needs no privileges, but not every container lets it be used.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace garner::testing {

struct FailingCall {
  long number;       // SYS_…
  int error_number;  // what it fails with
};

// Runs `steps` in a child where every call of `calls` fails, from its start on. Returns what `steps` returns,
// which is how it tells what it saw (assertions are for the parent), or "unsupported" where system calls
// cannot be made to fail. The calling process has no other threads.
std::string with_failing_calls(const std::vector<FailingCall>& calls,
                               const std::function<std::string()>& steps);

}  // namespace garner::testing
