// What the run's threads do next: a command whose output is to be taken, one at a time; then files that are
// to be read before folders that are to be looked at, and the folder that was found last first. So the walk
// runs ahead of reading by no more than it must, and what waits is bounded by the depth of the tree and a
// window of entries a level, not by the tree's size. What could not be read and is to be tried again comes
// last of all, when its time has come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
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
  unsigned attempts = 0;            // to read it that failed
};

// An entry of a folder that is no folder itself, and that is looked at again where that failed.
struct LookTask {
  std::shared_ptr<Folder> folder;
  std::size_t slot = 0;
  source::FolderEntry entry;
  std::optional<v1::Node> earlier;       // as the earlier tree has it
  std::optional<FinishedFile> finished;  // as this run has read it before it was halted
  unsigned attempts = 0;                 // to look at it that failed
};

// Files of one folder.
struct FileBatch {
  std::shared_ptr<Folder> folder;
  std::vector<FileTask> files;
  std::uint64_t bytes = 0;  // of the files, as they were when they were found
};

// A source that is the output of a command.
struct CommandTask {
  std::shared_ptr<Folder> top;      // stands above it
  std::size_t number = 0;           // in BackupOptions::commands
  std::optional<v1::Node> earlier;  // kept, marked stale, should the command fail
};

// Thread-safe.
class WorkQueue {
 public:
  using Work = std::variant<FileBatch, std::shared_ptr<Folder>, CommandTask, LookTask>;

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
  void add(CommandTask command) {
    std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
    changed_.notify_one();
  }

  // For later; false, and nothing is added, where too much waits so already.
  bool add_again(Work work, std::chrono::milliseconds delay) {
    std::lock_guard lock(mutex_);
    if (again_.size() >= kMostAgain) return false;
    again_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
    changed_.notify_one();
    return true;
  }

  // Waits for work. Nothing when all work is done or stop() was called. Each piece handed out ends with
  // done().
  std::optional<Work> next() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      if (std::optional<Work> work = take()) {
        ++active_;
        return work;
      }
      if (!again_.empty()) {
        const auto due = again_.begin()->first;
        changed_.wait_until(lock, due);
      } else if (active_ > 0) {
        changed_.wait(lock);
      } else {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  void done() {
    std::lock_guard lock(mutex_);
    if (--active_ == 0) changed_.notify_all();
  }
  // Before the done() of a command.
  void command_done() {
    std::lock_guard lock(mutex_);
    command_runs_ = false;
    changed_.notify_one();
  }

  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  bool stopped() {
    std::lock_guard lock(mutex_);
    return stopped_;
  }

 private:
  // What waits to be tried again keeps its folders from being finished, and so in memory.
  static constexpr std::size_t kMostAgain = 1000;

  std::optional<Work> take() {
    if (!commands_.empty() && !command_runs_) {
      command_runs_ = true;
      Work work = std::move(commands_.front());
      commands_.pop_front();
      return work;
    }
    if (!files_.empty()) {
      Work work = std::move(files_.front());
      files_.pop_front();
      return work;
    }
    if (!folders_.empty()) {
      Work work = std::move(folders_.back());
      folders_.pop_back();
      return work;
    }
    if (!again_.empty() && again_.begin()->first <= std::chrono::steady_clock::now()) {
      Work work = std::move(again_.begin()->second);
      again_.erase(again_.begin());
      return work;
    }
    return std::nullopt;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CommandTask> commands_;
  std::deque<FileBatch> files_;
  std::vector<std::shared_ptr<Folder>> folders_;
  std::multimap<std::chrono::steady_clock::time_point, Work> again_;  // by when it is due
  std::size_t active_ = 0;
  bool command_runs_ = false;
  bool stopped_ = false;
};

}  // namespace garner::backup
