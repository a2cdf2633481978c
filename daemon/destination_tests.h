// Tests of destinations: `garner destination test`.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "destination/trial.h"
#include "destinations.h"

namespace garner::daemon {

v1::DestinationTest to_message(const destination::TrialReport& report);

// Any thread.
class DestinationTests {
 public:
  explicit DestinationTests(Destinations& destinations) : destinations_(destinations) {}

  // `told` gets the test so far, at last the whole one, on this thread. Error(kNotFound); Error(kConflict)
  // while another test of the destination goes on; Error(kCancelled) after `stop`. What is wrong with the
  // destination is told in the test.
  void run(const std::string& name, const std::function<void(const v1::DestinationTest&)>& told,
           const std::stop_token& stop);

 private:
  Destinations& destinations_;
  std::mutex mutex_;
  std::set<std::string> under_way_;
};

}  // namespace garner::daemon
