// Which run the lines belong to that a thread logs: kept by the thread, so that no call need carry it. The
// log's sinks ask for it (daemon/logging.h).
#pragma once

#include <concepts>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace garner {

struct LogContext {
  std::int64_t run = 0;  // its number; 0: none
  std::string set;       // the run's; may be empty
};

// Of this thread.
const LogContext& log_context();

// While it lives, this thread's lines belong to the run; then again to what they belonged to before.
class LogScope {
 public:
  explicit LogScope(LogContext context);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  LogContext outer_;
};

// What a thread is to do that works for this one: its lines belong to the same run.
template <typename Work>
auto in_log_context(Work work) {
  return [context = log_context(), work = std::move(work)](std::stop_token stop) mutable {
    const LogScope scope(std::move(context));
    if constexpr (std::invocable<Work&, std::stop_token>) {
      work(std::move(stop));
    } else {
      work();
    }
  };
}

// "run 12: text" for a line of run 12; `text` as it is where it begins so already, or belongs to no run.
std::string with_run(const LogContext& context, std::string_view text);

}  // namespace garner
