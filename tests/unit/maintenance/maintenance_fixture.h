// What the tests of check and repair share.
#pragma once

#include <fcntl.h>

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "maintenance/check.h"
#include "snapshot/closure.h"
#include "support/noise.h"
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

}  // namespace garner::testing
