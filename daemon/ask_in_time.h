// Questions to file systems that may hang, asked by a thread that answers calls and must come back.
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "source/slow_file_system.h"

namespace garner::daemon {

// What `work` returns or throws, which owns whatever it uses. Error(kReadFailed), naming `path`, when that
// takes longer than the limit of `calls`. Not while anything is locked that others wait for.
template <typename Work>
auto ask_in_time(const std::shared_ptr<BoundedCalls>& calls, const std::string& path, Work work) {
  try {
    return source::SlowFileSystem(calls, path).call(std::move(work));
  } catch (const Error& error) {
    if (error.error_number() != ETIMEDOUT) throw;
    throw Error(ErrorKind::kReadFailed,
                printable(path) + ": a file system on the way does not answer: try again when it does");
  }
}

}  // namespace garner::daemon
