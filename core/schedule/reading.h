// The clocks at one moment, and how long it has been since the machine started or woke up.
#pragma once

#include <string>

#include "schedule/instant.h"

namespace garner::schedule {

struct Reading {
  Instant wall;         // what people set, and NTP corrects
  Duration boot{0};     // since the machine started, sleep included (CLOCK_BOOTTIME)
  Duration awake{0};    // the same without sleep (CLOCK_MONOTONIC)
  std::string boot_id;  // differs after each start of the machine
};

// The system's clocks, with `wall` from `clock`. Any thread.
Reading read_clocks(const Clock& clock);

// From the start of the daemon on: when the machine woke up last, and whether it has settled since. After a
// start or a resumption the network and disks take a while, so nothing is begun until they had it.
// One thread.
class Session {
 public:
  Session(Reading begun, Duration settling)
      : begun_(std::move(begun)), settling_(settling), settled_(begun_.boot + settling) {
    asleep_ = begun_.boot - begun_.awake;
  }

  // Takes note of `now`; true when the machine has slept since the last call.
  bool notice(const Reading& now);
  const Reading& begun() const { return begun_; }
  // Of the boot clock.
  Duration settled() const { return settled_; }

 private:
  Reading begun_;
  Duration settling_;
  Duration settled_;
  Duration asleep_{0};
};

}  // namespace garner::schedule
