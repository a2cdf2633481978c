// Runs that wait for their destinations, or for room in the state folder: looked at every few seconds, and
// gone on with when one is there again, or where there was no room there is. And destinations that are behind
// with a set, for they were away, full or are new in it: when one is there, and its set may run by itself at
// this time, a copy gives it the newest snapshot. After one that failed or was cancelled it may have to wait
// (last_copy.h).
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "conditions.h"
#include "destinations.h"
#include "run_queue.h"

namespace garner::daemon {

// One thread at a time.
class DestinationWatch {
 public:
  DestinationWatch(Destinations& destinations, RunQueue& runs)
      : destinations_(destinations), runs_(runs), conditions_(destinations) {}
  void look();

 private:
  // Of what a run waits for.
  struct View {
    std::set<std::string> there;  // of its destinations
    // Where there is least room of these: the full one is among them, and one that is away tells nothing of
    // it. 0 where none tells, as stores do not. In the state folder for a run that waits for room there.
    std::uint64_t free_bytes = 0;
  };
  void catch_up();
  using Behind = catalog::SetDestinationTable::Behind;
  bool is_to_catch_up(const Behind& behind);
  bool is_other_there(const catalog::BackupSet& set, const Behind& behind);
  bool rests(const Behind& behind);
  // The next one is not before its interval is over. Once a try: what is noted again meanwhile counts once.
  void note_try(const Behind& behind);
  bool is_ready(const std::string& destination);
  bool is_server(const std::string& destination);
  View look_at(const RunQueue::Waiting& waiting);
  bool is_to_be_tried(const RunQueue::Waiting& waiting);

  // When a run was last looked at.
  struct Look {
    View view;
    std::chrono::steady_clock::time_point next_try;
    std::chrono::seconds interval{0};
  };

  // When one that is behind was last tried.
  struct Try {
    TimePoint since;  // of its being behind
    std::chrono::steady_clock::time_point next;
    std::chrono::seconds interval{0};
  };

  Destinations& destinations_;
  RunQueue& runs_;
  Conditions conditions_;
  std::map<std::int64_t, Look> looks_;
  std::map<std::pair<std::string, std::string>, Try> tries_;  // by set and destination
};

}  // namespace garner::daemon
