#include "run_log.h"

#include <spdlog/spdlog.h>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::seconds kInterval{1};
// Of each command in the daemon's log, in which there is more than one run.
constexpr std::uint64_t kMostLogged = 500;

}  // namespace

RunLog::RunLog(catalog::RunLogTable& table, std::int64_t run, const Clock& clock)
    : table_(table), run_(run), clock_(clock), next_(table.last_number(run) + 1) {}

RunLog::~RunLog() { flush(); }

void RunLog::add(const std::string& origin, std::string_view line) {
  const std::lock_guard lock(mutex_);
  std::uint64_t& logged = logged_[origin];
  if (++logged <= kMostLogged) spdlog::info("run {}: {}: {}", run_, origin, printable(line));
  if (logged == kMostLogged) {
    spdlog::info("run {}: {}: what else it writes is in the run's own log: garner run show {}", run_, origin,
                 run_);
  }
  waiting_.push_back({next_++, clock_.now(), origin, std::string(line)});
  waiting_bytes_ += line.size();
  while (waiting_.size() > catalog::kMaximumLogLines || waiting_bytes_ > catalog::kMaximumLogBytes) {
    waiting_bytes_ -= waiting_.front().text.size();
    waiting_.pop_front();
  }
}

void RunLog::tick() {
  const std::lock_guard lock(mutex_);
  if (!waiting_.empty() && std::chrono::steady_clock::now() - written_ >= kInterval) flush_locked();
}

void RunLog::flush() {
  const std::lock_guard lock(mutex_);
  flush_locked();
}

void RunLog::flush_locked() {
  written_ = std::chrono::steady_clock::now();
  std::vector<catalog::RunLogLine> lines;
  for (const Line& line : waiting_)
    lines.push_back({line.number, line.time, line.origin, printable(line.text)});
  try {
    table_.append(run_, lines);
    waiting_.clear();
    waiting_bytes_ = 0;
  } catch (const Error& error) {
    spdlog::error("run {}: its log: {}", run_, error.what());
  }
}

}  // namespace garner::daemon
