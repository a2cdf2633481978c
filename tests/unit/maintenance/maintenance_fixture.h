// What the tests of check, repair and prune share.
#pragma once

#include <fcntl.h>

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "maintenance/check.h"
#include "maintenance/prune.h"
#include "snapshot/closure.h"
#include "support/noise.h"
#include "support/passing_destination.h"
#include "support/small_repository.h"
#include "unit/source/real_files.h"

namespace garner::testing {

class RecordingCheckMonitor final : public maintenance::CheckMonitor {
 public:
  void progressed(const maintenance::CheckProgress&) override {}
  void problem(const std::string& line) override {
    std::lock_guard lock(mutex_);
    problems.push_back(line);
  }
  void read_whole(const maintenance::PackSize& pack, bool sound) override {
    std::lock_guard lock(mutex_);
    read.emplace_back(pack.name, sound);
  }
  bool told(const std::string& part) const {
    for (const std::string& problem : problems) {
      if (problem.find(part) != std::string::npos) return true;
    }
    return false;
  }

  std::vector<std::string> problems;
  std::vector<std::pair<store::ObjectName, bool>> read;

 private:
  std::mutex mutex_;
};

class RecordingPruneMonitor final : public maintenance::PruneMonitor {
 public:
  void progressed(const maintenance::PruneProgress&) override {}
  void problem(const std::string& line) override { problems.push_back(line); }
  std::vector<std::string> problems;
};

// What a check that reads everything finds.
inline std::vector<std::string> problems_of_check(store::Repository& repository) {
  RecordingCheckMonitor monitor;
  maintenance::CheckOptions options;
  options.read_data_percent = 100;
  options.threads = 2;
  maintenance::run_check(repository, options, monitor, {});
  return monitor.problems;
}

// Another bit in the object of a repository.
inline void flip(const SmallRepository& repository, const std::string& key, std::uint64_t offset) {
  const std::string path = repository.path() + "/" + key;
  must(chmod(path.c_str(), 0600), "chmod");
  const Fd file = open_file(path, O_RDWR);
  Bytes byte(1);
  read_at(file.get(), byte, offset, path);
  byte[0] ^= 0x40;
  write_at(file.get(), byte, offset, path);
}

// In front of another: some reads of one object fail.
class FailingReads final : public PassingDestination {
 public:
  using PassingDestination::PassingDestination;

  // Every read that takes bytes of [begin, end).
  void fail(const std::string& key, int error_number, std::uint64_t begin, std::uint64_t end) {
    key_ = key;
    error_number_ = error_number;
    begin_ = begin;
    end_ = end;
  }
  void heal() { key_.clear(); }

  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    if (key == key_ && offset < end_ && offset + length > begin_) {
      throw system_error(error_number_, "reading " + key, ErrorKind::kReadFailed);
    }
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    if (key == key_) throw system_error(error_number_, "reading " + key, ErrorKind::kReadFailed);
    return inner_->get_all(key, limit);
  }

 private:
  std::string key_;
  int error_number_ = 0;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace garner::testing
