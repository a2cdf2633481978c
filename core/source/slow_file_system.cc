#include "source/slow_file_system.h"

#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "base/mounts.h"

namespace garner::source {

namespace {

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string((time.count() + 999) / 1000) + " s";
}

}  // namespace

std::string SlowFileSystem::message() const {
  return "its file system does not answer within " + seconds(calls_->limit()) +
         ": it is left out for the rest of the run, and what was known of it is kept";
}

void SlowFileSystem::call_bounded(std::function<void()> work) {
  if (hung_) throw Error(ErrorKind::kReadFailed, message(), ETIMEDOUT);
  std::call_once(named_, [this] { name_ = mounted_device(path_) + " " + path_; });
  switch (calls_->run(name_, std::move(work))) {
    case BoundedCalls::Outcome::kDone:
      return;
    case BoundedCalls::Outcome::kLate:
    case BoundedCalls::Outcome::kHangs:
      hung_ = true;
      throw Error(ErrorKind::kReadFailed, message(), ETIMEDOUT);
    case BoundedCalls::Outcome::kRefused:
      hung_ = true;
      throw Error(ErrorKind::kReadFailed,
                  "it is not looked at, for no thread can be had for it (" +
                      std::to_string(calls_->left_behind()) + " wait for file systems that do not answer)",
                  ETIMEDOUT);
  }
}

struct stat status_in_time(const std::shared_ptr<BoundedCalls>& calls, const std::string& path) {
  const auto look = [path] {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
      throw system_error(errno, printable(path),
                         errno == ENOENT || errno == ENOTDIR ? ErrorKind::kNotFound : ErrorKind::kReadFailed);
    }
    return status;
  };
  return calls ? SlowFileSystem(calls, path).call(look) : look();
}

}  // namespace garner::source
