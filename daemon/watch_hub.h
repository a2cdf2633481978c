// Feeds the streams of WatchRun and WatchStatus from a thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "garner/v1/service.pb.h"
#include "latest_stream.h"

namespace garner::daemon {

class WatchHub {
 public:
  struct Sources {
    std::function<v1::Run(std::int64_t number)> run;  // may throw Error
    std::function<v1::Status()> status;
    std::function<void()> watching;  // now and then while somebody watches the status; must not wait
  };
  explicit WatchHub(Sources sources);
  ~WatchHub();

  // `redacted`: for callers who may not see everything.
  void add_run(std::int64_t number, std::shared_ptr<LatestStream<v1::Run>> stream, bool redacted);
  void add_status(std::shared_ptr<LatestStream<v1::Status>> stream, bool redacted);
  // Something has changed: watchers hear of it at once.
  void poke();
  // Ends every stream; afterwards the sources are not asked any more. One thread calls it.
  void stop();

 private:
  struct RunWatcher {
    std::int64_t number = 0;
    std::shared_ptr<LatestStream<v1::Run>> stream;
    bool redacted = false;
    std::string sent;
  };
  struct StatusWatcher {
    std::shared_ptr<LatestStream<v1::Status>> stream;
    bool redacted = false;
    std::string sent;
  };

  void serve();
  void feed_runs(std::list<RunWatcher>& watchers);
  void feed_statuses(std::list<StatusWatcher>& watchers);

  const Sources sources_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<RunWatcher> runs_;
  std::list<StatusWatcher> statuses_;
  bool poked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace garner::daemon
