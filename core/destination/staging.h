// The folder `.staging/` of a local destination: where objects are written before they get their names, and
// the only place in which a crash leaves anything.
//
// It also tells an unmounted disk from an empty one: once it was seen it must stay, or what is left is the
// mount point. That is Error(kDestinationAway), and nothing is created there. Any thread may call anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace garner::destination {

// Files of put(); those that a caller of staging_folder() made are the caller's to remove, unless they have
// been published: publish_file() does not make it durable that the name here is gone, so a crash may bring it
// back, and then the object's space would never be free again.
inline constexpr std::string_view kTemporaryPrefix = "put-";
// A file nobody has written to for so long has no writer any more. Should it have one after all, that one's
// put fails and is tried again; nothing is lost.
inline constexpr std::int64_t kLeftoverAge = 24 * 60 * 60;  // seconds

class Staging;

// A new file in the staging folder, open for writing, that is removed with its owner unless it was published.
class StagedFile {
 public:
  StagedFile(StagedFile&&) = delete;
  ~StagedFile();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // publish_file() of what was written and fsynced: false when `to` exists.
  bool publish(const std::string& to);

 private:
  friend class Staging;
  StagedFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  Fd fd_;
  bool published_ = false;
};

class Staging {
 public:
  explicit Staging(const std::string& root) : path_(root + "/.staging") {}

  const std::string& path() const { return path_; }
  // Error(kDestinationAway) if the folder was seen by this object and is gone.
  void check() const;
  // Makes the folder durably if it is missing and was not seen before.
  void ensure();
  // Makes a file with a name nobody else has, and once, before that, removes what crashed writers left
  // behind.
  StagedFile create();

 private:
  void remove_leftovers(int fresh_fd);

  const std::string path_;
  mutable std::atomic<bool> seen_ = false;
  std::atomic<bool> cleaned_ = false;
};

}  // namespace garner::destination
