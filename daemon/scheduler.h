// Begins scheduled runs when they are due, pauses them at the end of their window, as it does copies to
// destinations that are behind (DestinationWatch), and tells when the next ones come. What is due is the
// planner's decision (core/schedule/planner.h); what it remembers is in the catalog, and changes together
// with the run that it begins, so that a crash neither loses nor doubles one.
//
// A run that is due while its set has an unfinished one waits for that to end; one that has its snapshot, and
// gives it to destinations that lack it, is ended for it (RunQueue::end_filling). Runs that people begin are
// no concern of schedules: they serve nothing and obey no window.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "conditions.h"
#include "destinations.h"
#include "run_events.h"
#include "run_queue.h"
#include "schedule/planner.h"
#include "schedule/reading.h"

namespace garner::daemon {

class Scheduler {
 public:
  using Clocks = std::function<schedule::Reading()>;
  Scheduler(Destinations& destinations, RunQueue& runs, std::chrono::seconds settling, Clocks clocks);

  // Looks at every set. Returns after how long to look again, unless something changes before. May wait for
  // destinations and commands; one thread at a time.
  std::chrono::milliseconds look();

  // Sets that have no clean backup, or a destination that is behind, for longer than they may. Any thread.
  std::vector<OverdueSet> overdue();
  // Fills in what schedules add. Any thread.
  void describe(v1::BackupSet& set);
  void describe(v1::SetStatus& set);

 private:
  // What is due of one set, and when to look again.
  struct Due {
    std::vector<std::string> destinations;
    std::vector<std::pair<std::string, schedule::Mark>> marks;  // as they will be, by entry
    std::optional<schedule::Instant> wake;
    bool waits = false;
  };
  struct Outlook {
    std::vector<schedule::Instant> next;
    bool overdue = false;
    std::string waits_for;
  };

  void look_at(const catalog::BackupSet& set, const std::vector<v1::Run>& active,
               const schedule::Reading& now, std::optional<schedule::Instant>& wake);
  Due find_due(const catalog::BackupSet& set, const catalog::SetSchedule& schedule,
               const schedule::Reading& now);
  void keep_to_window(const catalog::SetSchedule& schedule, const v1::Run& run, const schedule::Reading& now,
                      std::optional<schedule::Instant>& wake);
  void begin(const catalog::BackupSet& set, const Due& due);
  void say_waiting(const std::string& set, const std::string& reason);
  std::optional<Outlook> outlook(const std::string& set);
  // Since when it has no clean backup, or one of its destinations is behind, if that is too long.
  struct Overdue {
    schedule::Instant since;
    std::string destination;  // that is behind; empty: there is no clean backup
  };
  std::optional<Overdue> find_overdue(const catalog::BackupSet& set, const catalog::SetSchedule& schedule,
                                      schedule::Instant now);

  Destinations& destinations_;
  RunQueue& runs_;
  catalog::Catalog& catalog_;
  Conditions conditions_;
  const Clocks clocks_;
  schedule::Session session_;
  // Scheduled runs and copies by themselves that were seen in their window: those are paused when it closes.
  // One that somebody went on with outside is left alone.
  std::set<std::int64_t> in_window_;
  bool looked_ = false;
  std::mutex mutex_;
  std::map<std::string, std::string> waits_for_;  // by set
};

}  // namespace garner::daemon
