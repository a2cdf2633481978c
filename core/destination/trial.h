// Whether a place does all that garner relies on, and how fast it is, tried with objects of the trial's own.
//
// They lie below `trial/WRITER/`, where nobody looks for a repository's, and are removed again, also when the
// trial fails or is stopped. What one that was killed has left there is removed by the next one of the same
// writer, and a day later by anybody's; nothing else that somebody has put below `trial/`. Nothing is written
// before the place has shown that it is the right one.
//
// Small requests are those of somebody who waits: they are not held back by limits, and what is away is told
// after ten seconds. What is measured goes as a run's goes, and no faster than the limits allow.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "destination/place.h"
#include "destination/trial_finding.h"

namespace garner::destination {

struct TrialStep {
  std::string name;
  TrialFinding finding;
  std::chrono::nanoseconds took{0};
};

// So far; what was not measured is 0.
struct TrialReport {
  std::vector<TrialStep> steps;
  std::string current;  // the step that is under way; empty: none is
  bool all_well() const;

  // Of small reads, one after the other, each a request.
  struct Latency {
    std::uint64_t requests = 0;
    std::chrono::nanoseconds fastest{0};
    std::chrono::nanoseconds median{0};
    std::chrono::nanoseconds slowest{0};
  } latency;
  // Of what does not compress, as a run sends a pack and as a restore reads one.
  struct Transfer {
    std::uint64_t bytes = 0;
    std::chrono::nanoseconds took{0};
    std::uint64_t limit = 0;  // bytes a second that were allowed; 0: no limit held
    double bytes_per_second() const;
  };
  Transfer upload;
  Transfer download;
};

struct TrialOptions {
  // Of this machine, for what is sent to a server: in it a file `trial-WRITER` of at most 64 MiB.
  std::string spool_folder;
  // Error unless the place is there and is the right one. It is called first.
  std::function<void(Destination&)> check_place;
  std::string read_key;  // of an object of some hundred bytes that is there
  // How long sending shall take, which more is sent for where it goes fast; reading as well, at most.
  std::chrono::milliseconds transfer_time{8'000};
};

// `context`: its writer is not empty. `told` hears of every step that begins and ends, on this thread. Throws
// Error(kInvalidInput) and Error(kDestinationAway) as open_place() does, and Error(kCancelled) after `stop`;
// whatever else goes wrong is in the report.
TrialReport try_place(const std::string& url, const PlaceOptions& options, const PlaceContext& context,
                      const TrialOptions& trial, const std::function<void(const TrialReport&)>& told,
                      std::stop_token stop);

// ---- What try_place() is made of ----

// A place of some kind, with what only that kind has.
struct TrialPlace {
  std::shared_ptr<Destination> place;
  // A step of its own; empty: none. `folder`: a prefix for keys; `file`: a path for a file.
  std::string own_step;
  std::function<TrialFinding(const std::string& folder, const std::string& file)> own_trial;
  // Removes what is left when objects are gone: of the prefix `own`, and of `folders`, where they were, both
  // without a slash at the end. May be empty.
  std::function<void(const std::string& own, const std::set<std::string>& folders)> tidy;
  // Before an object is read whose reading is measured: has this machine forget what it holds in memory of
  // it, as far as it can. May be empty.
  std::function<void(const std::string& key)> forget;
};

TrialReport try_place(const TrialPlace& place, const PlaceContext& context, const TrialOptions& trial,
                      const std::function<void(const TrialReport&)>& told, std::stop_token stop);

}  // namespace garner::destination
