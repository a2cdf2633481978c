// What the run's threads do next: a command whose output is to be taken, one at a time; then files that are
// to be read before folders that are to be looked at, and the folder that was found last first. So the walk
// runs ahead of reading by no more than it must, and what waits is bounded by the depth of the tree and a
// window of entries a level, not by the tree's size.
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

// A source that is the output of a command.
struct CommandTask {
  std::shared_ptr<Folder> top;      // stands above it
  std::size_t number = 0;           // in BackupOptions::commands
  std::optional<v1::Node> earlier;  // kept, marked stale, should the command fail
};

// Thread-safe.
class WorkQueue {
 public:
  using Work = std::variant<FileBatch, std::shared_ptr<Folder>, CommandTask>;

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

  // Waits for work. Nothing when all work is done or stop() was called. Each piece handed out ends with
  // done().
  std::optional<Work> next() {
    std::unique_lock lock(mutex_);
    const auto may_take_command = [&] { return !commands_.empty() && !command_runs_; };
    changed_.wait(lock, [&] {
      return stopped_ || may_take_command() || !files_.empty() || !folders_.empty() || active_ == 0;
    });
    if (stopped_ || (commands_.empty() && files_.empty() && folders_.empty())) return std::nullopt;
    ++active_;
    if (may_take_command()) {
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
    Work work = std::move(folders_.back());
    folders_.pop_back();
    return work;
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
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CommandTask> commands_;
  std::deque<FileBatch> files_;
  std::vector<std::shared_ptr<Folder>> folders_;
  std::size_t active_ = 0;
  bool command_runs_ = false;
  bool stopped_ = false;
};

}  // namespace garner::backup
