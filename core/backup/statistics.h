// The numbers of a running backup. Any thread may add to them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backup/backup_run.h"
#include "backup/read_counter.h"
#include "store/target_set.h"

namespace garner::backup {

class Statistics {
 public:
  Statistics(BackupMonitor& monitor, const std::string& read_counter_file, const RunCounters& before)
      : monitor_(monitor), before_(before), read_bytes_(read_counter_file, before.read_bytes) {}

  // What a destination was given by earlier processes. Before anything else is told of it.
  void begin_target(unsigned number, const TargetCounters& before) { targets_.at(number).before = before; }
  // How the destinations stand, for progress(); outlives what it refers to as long as report() may be called.
  void show_targets(std::function<std::vector<TargetProgress>()> show) { show_targets_ = std::move(show); }

  void found_file(std::uint64_t size) {
    files_ += 1;
    source_bytes_ += size;
  }
  void found_bytes(std::uint64_t bytes) { source_bytes_ += bytes; }  // of a file whose size was not known
  void done_file() { done_files_ += 1; }
  void done_bytes(std::uint64_t bytes) { done_bytes_ += bytes; }
  void read(std::uint64_t bytes) { read_bytes_.add(bytes); }
  // Raw file content that was new to these destinations.
  void new_content(store::TargetSet targets, std::uint64_t bytes) {
    if (targets != 0) new_bytes_ += bytes;
    for (unsigned number = 0; number < store::kMostTargets; ++number) {
      if (store::has_target(targets, number)) targets_[number].new_bytes += bytes;
    }
  }
  // Raw, given to a destination from others.
  void supplied(unsigned number, std::uint64_t bytes) { targets_.at(number).supplied += bytes; }
  // Packs, of this process in all.
  void stored(unsigned number, std::uint64_t bytes) { targets_.at(number).stored = bytes; }
  // Objects that are no packs.
  void committed(unsigned number, std::uint64_t bytes) { targets_.at(number).committed += bytes; }
  void error(const SourceError& error) {
    errors_ += 1;
    monitor_.error(error);
  }
  // Of what is in the snapshot all the same.
  void warning(const std::string& path, const std::string& message) { error({path, message}); }
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
    RunCounters counters{read_bytes_.value(), before_.new_bytes + new_bytes_, before_.stored_bytes};
    for (const Numbers& target : targets_) counters.stored_bytes += target.stored + target.committed;
    return counters;
  }
  TargetCounters counters_of(unsigned number) const {
    const Numbers& target = targets_.at(number);
    return {target.before.new_bytes + target.new_bytes,
            target.before.stored_bytes + target.stored + target.committed,
            target.before.supplied_bytes + target.supplied};
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
    if (show_targets_) progress.targets = show_targets_();
    std::lock_guard lock(mutex_);
    progress.current = current_;
    progress.stage = stage_;
    return progress;
  }
  std::uint64_t errors() const { return errors_; }
  void report() { monitor_.progressed(progress()); }

 private:
  struct Numbers {
    TargetCounters before;
    std::atomic<std::uint64_t> new_bytes = 0, stored = 0, committed = 0, supplied = 0;
  };

  BackupMonitor& monitor_;
  const RunCounters before_;
  std::array<Numbers, store::kMostTargets> targets_;
  std::function<std::vector<TargetProgress>()> show_targets_;
  ReadCounter read_bytes_;
  std::atomic<std::uint64_t> files_ = 0, source_bytes_ = 0, done_files_ = 0, done_bytes_ = 0, new_bytes_ = 0,
                             errors_ = 0, expected_files_ = 0, expected_bytes_ = 0;
  mutable std::mutex mutex_;
  std::string current_;
  std::string stage_;
};

}  // namespace garner::backup
