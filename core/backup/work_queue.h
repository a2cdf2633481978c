// What the run's threads do next: files that are to be read before folders that are to be looked at, and the
// folder that was found last first. So the walk runs ahead of reading by no more than it must, and what waits
// is bounded by the depth of the tree and a window of entries a level, not by the tree's size.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backup/folder.h"

namespace garner::backup {

// A file whose content is to be read.
struct FileTask {
  std::size_t slot = 0;
  std::string name;
  std::optional<v1::Node> earlier;  // kept, marked stale, should it not be readable
};

// Files of one folder.
struct FileBatch {
  std::shared_ptr<Folder> folder;
  std::vector<FileTask> files;
  std::uint64_t bytes = 0;  // of the files, as they were when they were found
};

// Thread-safe.
class WorkQueue {
 public:
  using Work = std::variant<FileBatch, std::shared_ptr<Folder>>;

  void add(FileBatch batch) {
    std::lock_guard lock(mutex_);
    files_.push_back(std::move(batch));
    changed_.notify_one();
  }
  void add(std::shared_ptr<Folder> folder) {
    std::lock_guard lock(mutex_);
    folders_.push_back(std::move(folder));
    changed_.notify_one();
  }

  // Waits for work. Nothing when all work is done or stop() was called. Each piece handed out ends with
  // done().
  std::optional<Work> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || !files_.empty() || !folders_.empty() || active_ == 0; });
    if (stopped_ || (files_.empty() && folders_.empty())) return std::nullopt;
    ++active_;
    if (!files_.empty()) {
      Work work = std::move(files_.front());
      files_.pop_front();
      return work;
    }
    Work work = std::move(folders_.back());
    folders_.pop_back();
    return work;
  }

  void done() {
    std::lock_guard lock(mutex_);
    if (--active_ == 0) changed_.notify_all();
  }

  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FileBatch> files_;
  std::vector<std::shared_ptr<Folder>> folders_;
  std::size_t active_ = 0;
  bool stopped_ = false;
};

}  // namespace garner::backup
