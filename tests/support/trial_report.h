// What tests of trials of places share.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "destination/trial.h"

namespace garner::testing {

inline constexpr const char* kTrialHeader = "garner.repo";
inline const std::string kTrialWriter(32, 'a');
inline const std::string kOtherWriter(32, 'b');

// The place holds kTrialHeader, and is the right one. Sends little.
inline destination::TrialOptions trial_options(const std::string& spool) {
  destination::TrialOptions options;
  options.spool_folder = spool;
  options.check_place = [](destination::Destination& place) {
    if (!place.size(kTrialHeader)) throw Error(ErrorKind::kNotARepository, "this is no repository");
  };
  options.read_key = kTrialHeader;
  options.transfer_time = std::chrono::milliseconds(50);
  return options;
}

inline const destination::TrialStep* find_step(const destination::TrialReport& report,
                                               const std::string& name) {
  for (const destination::TrialStep& step : report.steps) {
    if (step.name == name) return &step;
  }
  return nullptr;
}

// What a step has found, which has been made.
inline destination::TrialFinding finding_of(const destination::TrialReport& report, const std::string& name) {
  const destination::TrialStep* step = find_step(report, name);
  if (step == nullptr) {
    FAIL("there is no step '" + name + "'");
    return {};
  }
  return step->finding;
}

// Every step went well, and all was measured.
inline void check_went_well(const destination::TrialReport& report, const std::string& own_step) {
  std::vector<std::string> names{"repository",         "reading",      "listing", "writing",
                                 "exclusive creation", "reading parts"};
  if (!own_step.empty()) names.push_back(own_step);
  names.insert(names.end(), {"upload", "download", "deleting"});
  std::vector<std::string> made;
  for (const destination::TrialStep& step : report.steps) {
    INFO(step.name << ": " << step.finding.detail);
    CHECK(step.finding.outcome == destination::TrialOutcome::kGood);
    made.push_back(step.name);
  }
  CHECK(made == names);
  CHECK(report.all_well());
  CHECK(report.current.empty());
  CHECK(report.latency.requests == 10);
  CHECK(report.latency.fastest.count() > 0);
  CHECK(report.latency.fastest <= report.latency.median);
  CHECK(report.latency.median <= report.latency.slowest);
  CHECK(report.upload.bytes >= 1 << 20);
  CHECK(report.upload.bytes_per_second() > 0);
  CHECK(report.download.bytes >= 1 << 20);
  CHECK(report.download.bytes_per_second() > 0);
}

}  // namespace garner::testing
