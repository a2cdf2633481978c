#include "watch_hub.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "base/error.h"
#include "call_status.h"
#include "run_message.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::milliseconds kRunInterval{100};
constexpr int kRunsPerStatus = 3;  // a status at most every 300 ms
constexpr int kRunsPerLook = 50;   // and destinations are looked at every 5 s

bool is_over(v1::RunState state) {
  return state == v1::RUN_STATE_FINISHED || state == v1::RUN_STATE_FAILED || state == v1::RUN_STATE_CANCELLED;
}

grpc::Status stopping() { return {grpc::StatusCode::UNAVAILABLE, "garnerd is stopping"}; }

}  // namespace

WatchHub::WatchHub(Sources sources) : sources_(std::move(sources)), thread_([this] { serve(); }) {}

WatchHub::~WatchHub() { stop(); }

void WatchHub::add_run(std::int64_t number, std::shared_ptr<LatestStream<v1::Run>> stream, bool redacted) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return stream->end(stopping());
  runs_.push_back({number, std::move(stream), redacted, {}});
  poked_ = true;
  wake_.notify_all();
}

void WatchHub::add_status(std::shared_ptr<LatestStream<v1::Status>> stream, bool redacted) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return stream->end(stopping());
  statuses_.push_back({std::move(stream), redacted, {}});
  poked_ = true;
  wake_.notify_all();
}

void WatchHub::poke() {
  const std::lock_guard lock(mutex_);
  poked_ = true;
  wake_.notify_all();
}

void WatchHub::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void WatchHub::serve() {
  int round = 0;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (runs_.empty() && statuses_.empty()) {
      wake_.wait(lock, [this] { return stopping_ || !runs_.empty() || !statuses_.empty(); });
    } else {
      wake_.wait_for(lock, kRunInterval, [this] { return stopping_ || poked_; });
    }
    if (stopping_) break;
    const bool poked = std::exchange(poked_, false);
    ++round;
    // Taken out while they are fed, so that nobody who adds one or changes a run ever waits.
    std::list<RunWatcher> runs = std::move(runs_);
    std::list<StatusWatcher> statuses;
    if (poked || round % kRunsPerStatus == 0) statuses = std::move(statuses_);
    runs_.clear();
    if (!statuses.empty()) statuses_.clear();
    lock.unlock();
    feed_runs(runs);
    feed_statuses(statuses);
    if (!statuses.empty() && round >= kRunsPerLook) {
      round = 0;
      sources_.watching();
    }
    lock.lock();
    runs_.splice(runs_.end(), runs);
    statuses_.splice(statuses_.end(), statuses);
  }
  for (RunWatcher& watcher : runs_) watcher.stream->end(stopping());
  for (StatusWatcher& watcher : statuses_) watcher.stream->end(stopping());
}

void WatchHub::feed_runs(std::list<RunWatcher>& watchers) {
  watchers.remove_if([&](RunWatcher& watcher) {
    if (watcher.stream->has_ended()) return true;
    try {
      v1::Run run = sources_.run(watcher.number);
      if (watcher.redacted) redact(run);
      std::string text = run.SerializeAsString();
      const bool over = is_over(run.state());
      if (text != watcher.sent) {
        watcher.sent = std::move(text);
        watcher.stream->offer(std::move(run));
      }
      if (over) watcher.stream->end();
      return over;
    } catch (...) {
      watcher.stream->end(status_of(std::current_exception()));
      return true;
    }
  });
}

void WatchHub::feed_statuses(std::list<StatusWatcher>& watchers) {
  if (watchers.empty()) return;
  v1::Status full;
  try {
    full = sources_.status();
  } catch (...) {
    const grpc::Status trouble = status_of(std::current_exception());
    for (StatusWatcher& watcher : watchers) watcher.stream->end(trouble);
    return watchers.clear();
  }
  watchers.remove_if([&](StatusWatcher& watcher) {
    if (watcher.stream->has_ended()) return true;
    v1::Status status = full;
    if (watcher.redacted) redact(status);
    std::string text = status.SerializeAsString();
    if (text != watcher.sent) {
      watcher.sent = std::move(text);
      watcher.stream->offer(std::move(status));
    }
    return false;
  });
}

}  // namespace garner::daemon
