#include "base/log_context.h"

namespace garner {

namespace {

LogContext& context_of_thread() {
  thread_local LogContext context;
  return context;
}

}  // namespace

const LogContext& log_context() { return context_of_thread(); }

LogScope::LogScope(LogContext context) : outer_(std::exchange(context_of_thread(), std::move(context))) {}

LogScope::~LogScope() { context_of_thread() = std::move(outer_); }

std::string with_run(const LogContext& context, std::string_view text) {
  if (context.run == 0) return std::string(text);
  std::string line = "run " + std::to_string(context.run) + ": ";
  if (text.starts_with(line)) return std::string(text);
  return line.append(text);
}

}  // namespace garner
