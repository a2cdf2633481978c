// What a machine was doing when the power failed.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "world.h"

namespace garner::crash {

struct Scenario {
  std::string name;
  // The machines that are there, in the order they are made.
  std::vector<std::string> machines;
  // What was done before, and is durable.
  std::function<void(World&, std::mt19937_64&)> prepare;
  // What is recorded. Every machine is started anew in it.
  std::function<void(World&, std::mt19937_64&)> act;
  // What a checkpoint says is stored may be gone, for another machine prunes without a grace period.
  bool may_begin_anew = false;
  // The log cannot be used: a machine that was not asked to repair it yet is.
  bool needs_repair = false;
};

const std::vector<Scenario>& scenarios();

// After a crash, or a failure: starts every machine again, has it go on with what it was doing, with nobody's
// help, and holds what comes of it against what was promised. Throws Failure. `random` chooses what else is
// looked at.
void recover(World& world, const Scenario& scenario, const World::Promises& promises,
             std::mt19937_64& random);

}  // namespace garner::crash
