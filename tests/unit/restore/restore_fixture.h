// What the tests of restore share.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "restore/restore.h"
#include "support/noise.h"
#include "support/same_tree.h"
#include "support/small_repository.h"
#include "support/temporary_folder.h"
#include "unit/source/real_files.h"

namespace garner::testing {

class RecordingMonitor final : public restore::RestoreMonitor {
 public:
  void progressed(const restore::RestoreProgress& progress) override {
    std::lock_guard lock(mutex_);
    last = progress;
  }
  void error(const std::string& path, const std::string& message) override {
    std::lock_guard lock(mutex_);
    errors.push_back(path + ": " + message);
  }
  bool told(const std::string& part) const {
    for (const std::string& error : errors) {
      if (error.find(part) != std::string::npos) return true;
    }
    return false;
  }

  restore::RestoreProgress last;
  std::vector<std::string> errors;

 private:
  std::mutex mutex_;
};

inline restore::RestoreOptions to(const std::string& target) {
  restore::RestoreOptions options;
  options.target = target;
  return options;
}

struct Restored {
  restore::RestoreProgress progress;
  std::vector<std::string> errors;
};

inline Restored restore_all(SmallRepository& repository, const store::v1::Snapshot& snapshot,
                            const restore::RestoreOptions& options) {
  RecordingMonitor monitor;
  Restored restored;
  restored.progress = restore::run_restore(repository.repository(), snapshot, options, monitor, {});
  restored.errors = std::move(monitor.errors);
  return restored;
}

inline std::string read_text(const std::string& path) {
  const Bytes bytes = read_file(path, 1u << 30);
  return std::string(bytes.begin(), bytes.end());
}

inline void set_mtime(const std::string& path, std::int64_t seconds, long nanos = 0) {
  const struct timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanos}};
  must(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimensat");
}

inline struct stat status_of(const std::string& path) {
  struct stat status {};
  must(lstat(path.c_str(), &status), "lstat " + path);
  return status;
}

}  // namespace garner::testing
