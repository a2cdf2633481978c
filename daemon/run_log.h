// What the commands of a run write, on its way into the catalog and the daemon's log. A command that writes
// without end costs neither memory nor disk: of what comes faster than it is written down the last lines
// stay.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "catalog/run_log_table.h"

namespace garner::daemon {

// Any thread.
class RunLog {
 public:
  RunLog(catalog::RunLogTable& table, std::int64_t run, const Clock& clock);
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;
  ~RunLog();  // writes down what waits

  // `origin`: whose line it is; the line in bytes.
  void add(const std::string& origin, std::string_view line);
  // Writes down what has waited for a while. Cheap when nothing has; does not throw.
  void tick();
  // Writes down what waits; does not throw.
  void flush();

 private:
  struct Line {
    std::uint64_t number = 0;
    TimePoint time;
    std::string origin;
    std::string text;
  };
  void flush_locked();

  catalog::RunLogTable& table_;
  const std::int64_t run_;
  const Clock& clock_;
  std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::deque<Line> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::chrono::steady_clock::time_point written_;
  std::map<std::string, std::uint64_t> logged_;  // lines in the daemon's log, by origin
};

}  // namespace garner::daemon
