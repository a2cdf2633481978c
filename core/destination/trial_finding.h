// What a step of a trial (trial.h) has found.
#pragma once

#include <string>

namespace garner::destination {

enum class TrialOutcome {
  kGood,
  kWarning,  // garner works there, and somebody should know this
  kBad,
};

// For people: what was found, and what to do about it.
struct TrialFinding {
  TrialOutcome outcome = TrialOutcome::kGood;
  std::string detail;
};

}  // namespace garner::destination
