// Explores crash states: records scenarios, builds states of their traces, recovers from each.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crash_state.h"
#include "scenario.h"

namespace garner::crash {

struct Plan {
  std::string folder;  // to work in; one process at a time
  std::uint64_t states = 0;
  std::uint64_t seed = 0;
  std::string scenario;  // only those whose names begin so
  std::string keep;      // where states that fail are kept; empty: nowhere
  IgnoredSync ignored{};
};

// A state that did not recover.
struct Finding {
  std::string scenario;
  std::string what;
  std::string where;  // point and seeds
  std::string story;  // of the trace
};

// Explores until the plan's states are done, or `count`, called before each state, or `found`, called for
// each finding, says false. Returns the number of states.
std::uint64_t explore(const Plan& plan, const std::function<bool(const std::string& where)>& count,
                      const std::function<bool(const Finding&)>& found);

}  // namespace garner::crash
