// The numbers of a running backup. Any thread may add to them.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "backup/backup_run.h"
#include "backup/read_counter.h"

namespace garner::backup {

class Statistics {
 public:
  Statistics(BackupMonitor& monitor, const std::string& read_counter_file, const RunCounters& before)
      : monitor_(monitor), before_(before), read_bytes_(read_counter_file, before.read_bytes) {}

  void found_file(std::uint64_t size) {
    files_ += 1;
    source_bytes_ += size;
  }
  void found_bytes(std::uint64_t bytes) { source_bytes_ += bytes; }  // of a file whose size was not known
  void done_file() { done_files_ += 1; }
  void done_bytes(std::uint64_t bytes) { done_bytes_ += bytes; }
  void read(std::uint64_t bytes) { read_bytes_.add(bytes); }
  void new_content(std::uint64_t bytes) { new_bytes_ += bytes; }
  void stored(std::uint64_t total_of_this_process) { stored_bytes_ = total_of_this_process; }
  void committed(std::uint64_t bytes) { committed_bytes_ += bytes; }  // objects that are no packs
  void error(const SourceError& error) {
    errors_ += 1;
    monitor_.error(error);
  }
  // Of what is in the snapshot, or in none.
  void error(const std::string& path, const std::string& message) { error({path, message}); }
  void command_said(const std::string& name, std::string_view line) { monitor_.command_said(name, line); }
  void expect(std::uint64_t files, std::uint64_t bytes) {
    expected_files_ = files;
    expected_bytes_ = bytes;
  }
  void current(std::string printable_path) {
    std::lock_guard lock(mutex_);
    current_ = std::move(printable_path);
  }
  void stage(std::string stage) {
    std::lock_guard lock(mutex_);
    stage_ = std::move(stage);
  }

  RunCounters counters() const {
    return {read_bytes_.value(), before_.new_bytes + new_bytes_,
            before_.stored_bytes + stored_bytes_ + committed_bytes_};
  }
  BackupProgress progress() const {
    BackupProgress progress;
    progress.counters = counters();
    progress.files = files_;
    progress.source_bytes = source_bytes_;
    progress.done_files = done_files_;
    progress.done_bytes = done_bytes_;
    progress.expected_files = expected_files_;
    progress.expected_bytes = expected_bytes_;
    progress.error_count = errors_;
    std::lock_guard lock(mutex_);
    progress.current = current_;
    progress.stage = stage_;
    return progress;
  }
  std::uint64_t errors() const { return errors_; }
  void report() { monitor_.progressed(progress()); }

 private:
  BackupMonitor& monitor_;
  const RunCounters before_;
  ReadCounter read_bytes_;
  std::atomic<std::uint64_t> files_ = 0, source_bytes_ = 0, done_files_ = 0, done_bytes_ = 0, new_bytes_ = 0,
                             stored_bytes_ = 0, committed_bytes_ = 0, errors_ = 0, expected_files_ = 0,
                             expected_bytes_ = 0;
  mutable std::mutex mutex_;
  std::string current_;
  std::string stage_;
};

}  // namespace garner::backup
