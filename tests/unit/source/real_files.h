// Making files of every kind for tests of what is read of them.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/file.h"

namespace garner::testing {

// For calls that return -1 when they fail.
template <typename Result>
Result must(Result result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

inline void write_file(const std::string& path, std::string_view content) {
  const Fd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  write_at(fd.get(), as_bytes(content), 0, path);
}

inline Fd open_folder(const std::string& path) { return open_file(path, O_RDONLY | O_DIRECTORY); }

// Removes `path` and the chain of folders below it that are all called `name`, however long it is.
inline void remove_chain(const std::string& path, const std::string& name) {
  Fd at = open_folder(path);
  std::size_t depth = 0;
  for (int next = openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY); next >= 0;
       next = openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY)) {
    at = Fd(next);
    ++depth;
  }
  for (; depth > 0; --depth) {
    at = Fd(must(openat(at.get(), "..", O_RDONLY | O_DIRECTORY), "going up"));
    must(unlinkat(at.get(), name.c_str(), AT_REMOVEDIR), "removing a folder");
  }
}

// For a test that cannot be made here, which then returns.
inline void skip(const std::string& reason) { WARN("not tested: " << reason); }

inline bool is_root() { return geteuid() == 0; }

// What `work` returns in a process of its own, as a user who owns nothing. Only for root.
inline bool as_nobody(const std::function<bool()>& work) {
  const pid_t child = must(fork(), "fork");
  if (child == 0) {
    bool result = false;
    try {
      result = setgid(65534) == 0 && setuid(65534) == 0 && work();
    } catch (...) {
      result = false;
    }
    _exit(result ? 0 : 1);
  }
  int status = 0;
  must(waitpid(child, &status, 0), "waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace garner::testing
