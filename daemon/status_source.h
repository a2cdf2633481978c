// The status as the API has it, from what is known here: no destination is waited for.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <set>

#include "check_history.h"
#include "destinations.h"
#include "notices.h"
#include "run_queue.h"
#include "scheduler.h"
#include "sets.h"

namespace garner::daemon {

// Any thread.
class StatusSource {
 public:
  StatusSource(Destinations& destinations, Sets& sets, RunQueue& runs, Scheduler& scheduler,
               CheckHistory& checks, const Notices& notices);

  v1::Status status();
  // Has destinations looked at whose last look is old, by jobs given to `post`; waits at most `patience` for
  // them. One that hangs keeps its job, and is not looked at by a second one.
  void look_again(const std::function<void(std::function<void()>)>& post, std::chrono::milliseconds patience);

 private:
  void add_destinations(v1::Status& status);
  void add_notifications(v1::Status& status);

  Destinations& destinations_;
  Sets& sets_;
  RunQueue& runs_;
  Scheduler& scheduler_;
  CheckHistory& checks_;
  const Notices& notices_;
  const TimePoint started_;
  // Shared with jobs that may outlast it.
  struct Looking {
    std::mutex mutex;
    std::condition_variable done;
    std::set<std::string> names;
  };
  std::shared_ptr<Looking> looking_ = std::make_shared<Looking>();
};

}  // namespace garner::daemon
