// The log's recent lines in memory, for `garner log`, and a subscription to new ones.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace garner::daemon {

struct LoggedLine {
  TimePoint time;
  std::string level;     // "info", "warning", …
  std::string text;      // with the run that it belongs to
  std::int64_t run = 0;  // its number; 0: none
  std::string set;       // the run's
};

// Any thread. Subscribers are called by whoever logs: they must be quick, and must not log.
class LogRing final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  using Subscriber = std::function<void(const LoggedLine&)>;

  // The newest `count` (of a run, unless that is 0), oldest first; new lines from then on, of any run, go to
  // `subscriber` (if there is one), without a gap. Returns what unsubscribe() takes.
  std::uint64_t read(std::size_t count, std::int64_t run, std::vector<LoggedLine>& lines,
                     Subscriber subscriber = {});
  // Afterwards the subscriber is not running and will not be called again.
  void unsubscribe(std::uint64_t id);

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  std::deque<LoggedLine> lines_;
  std::map<std::uint64_t, Subscriber> subscribers_;
  std::uint64_t next_id_ = 1;
};

}  // namespace garner::daemon
