// How folders lie to each other, whatever way leads to them: links are followed, and a folder that is mounted
// a second time has another path there and is the same folder. File systems are asked, which may hang: then
// what they would have told is left out, and what is left are the paths.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ask_in_time.h"
#include "base/bounded_calls.h"

namespace garner::daemon {

// Waits 20 s at most for one that hangs, and no longer for it as long as that goes on. Thread-safe. Not while
// anything is locked that others wait for.
class FolderLine {
 public:
  FolderLine();

  // `path` is the folder, or lies in it. Neither need exist: then what exists above it is looked at. Links in
  // a circle lead nowhere.
  bool lies_in(const std::string& path, const std::string& folder) const;
  // With its links resolved; the path itself where nothing is there.
  std::string resolved(const std::string& path) const;
  // Whether a file exists, or anything else. Error(kReadFailed) where nobody answers, and the system's.
  bool exists(const std::string& path) const;
  // What `work` returns or throws, as ask_in_time() does.
  template <typename Work>
  auto ask(const std::string& path, Work work) const {
    return ask_in_time(calls_, path, std::move(work));
  }

 private:
  const std::shared_ptr<BoundedCalls> calls_;
};

}  // namespace garner::daemon
