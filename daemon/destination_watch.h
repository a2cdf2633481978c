// Runs that wait for their destination: looked at every few seconds, and gone on with when it is there again
// or has room.
#pragma once

#include <chrono>
#include <map>

#include "destinations.h"
#include "run_queue.h"

namespace garner::daemon {

// One thread at a time.
class DestinationWatch {
 public:
  DestinationWatch(Destinations& destinations, RunQueue& runs) : destinations_(destinations), runs_(runs) {}
  void look();

 private:
  struct Full {
    std::uint64_t free_when_paused = 0;
    std::chrono::steady_clock::time_point next_try;
    std::chrono::seconds interval{0};
  };
  bool is_there(const RunQueue::Waiting& waiting);
  bool has_room(const RunQueue::Waiting& waiting);
  std::uint64_t free_bytes(const RunQueue::Waiting& waiting);

  Destinations& destinations_;
  RunQueue& runs_;
  std::map<std::int64_t, Full> full_;
};

}  // namespace garner::daemon
