#include "service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <utility>

namespace garner::daemon {

namespace {

std::string run_title(const v1::Run& run) {
  switch (run.kind()) {
    case v1::RUN_KIND_BACKUP:
      return "backup of " + run.set();
    case v1::RUN_KIND_RESTORE:
      return "restore";
    case v1::RUN_KIND_CHECK:
      return "check";
    case v1::RUN_KIND_REPAIR:
      return "repair";
    default:
      return "run " + run.run_id();
  }
}

// Empty while the total is not known.
std::string share_done(const v1::Progress& progress) {
  const bool by_bytes = progress.total_bytes() > 0;
  const std::uint64_t total = by_bytes ? progress.total_bytes() : progress.total_files();
  const std::uint64_t done = by_bytes ? progress.done_bytes() : progress.done_files();
  if (total == 0) return {};
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  return ", " + std::to_string(static_cast<unsigned>(share * 100)) + " %";
}

std::string described(const v1::Run& run) {
  switch (run.state()) {
    case v1::RUN_STATE_RUNNING:
      return run_title(run) +
             (run.progress().stage() == "committing" ? ", committing" : share_done(run.progress()));
    case v1::RUN_STATE_PAUSED:
      return run_title(run) + " is paused";
    case v1::RUN_STATE_INTERRUPTED:
      return run_title(run) + " is interrupted";
    default:
      return run_title(run) + " waits";
  }
}

}  // namespace

ServiceManager::ServiceManager(boost::asio::io_context& context) : timer_(context) {
  std::uint64_t limit = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &limit) > 0) {
    interval_ = std::max(std::chrono::microseconds(limit / 2), std::chrono::microseconds(1000));
  }
}

void ServiceManager::ready() {
  sd_notify(0, "READY=1");
  if (interval_.count() > 0) feed();
}

void ServiceManager::stopping() {
  boost::system::error_code ignored;
  timer_.cancel(ignored);
  interval_ = {};
  sd_notify(0, "STOPPING=1");
}

void ServiceManager::feed() {
  sd_notify(0, "WATCHDOG=1");
  timer_.expires_after(interval_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && interval_.count() > 0) feed();
  });
}

void ServiceManager::status(const std::function<std::string()>& line) {
  const std::lock_guard lock(mutex_);
  std::string newest = line();
  if (newest == told_) return;
  told_ = std::move(newest);
  sd_notify(0, ("STATUS=" + told_).c_str());
}

std::string status_line(const std::vector<v1::Run>& active) {
  if (active.empty()) return "idle";
  std::string line;
  for (const v1::Run& run : active) line += (line.empty() ? "" : "; ") + described(run);
  return line;
}

}  // namespace garner::daemon
