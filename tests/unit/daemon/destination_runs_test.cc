#include "destination_runs.h"

#include <catch2/catch.hpp>

namespace garner::daemon {
namespace {

using backup::TargetProgress;
using backup::TargetState;

TargetProgress progress(TargetState state, backup::TargetCounters counters, const std::string& error = "") {
  TargetProgress progress;
  progress.state = state;
  progress.counters = counters;
  progress.error = error;
  return progress;
}

TEST_CASE("what the engine tells of a destination is shown while it is fed, or waits for its fill") {
  v1::Run run;
  v1::DestinationRun& part = part_of(run, "disk");
  CHECK(&part_of(run, "disk") == &part);
  part.set_state(v1::DESTINATION_RUN_STATE_WAITING);
  show(progress(TargetState::kFed, {1, 2, 0}), part);
  CHECK(part.state() == v1::DESTINATION_RUN_STATE_FED);
  CHECK(part.new_bytes() == 1);
  CHECK(part.stored_bytes() == 2);
  show(progress(TargetState::kFailed, {3, 4, 0}, "it is full"), part);
  CHECK(part.state() == v1::DESTINATION_RUN_STATE_WAITING);
  CHECK(part.error() == "it is full");
  // It lists the snapshot, which nobody has noted yet.
  show(progress(TargetState::kDone, {3, 4, 0}), part);
  CHECK(part.state() == v1::DESTINATION_RUN_STATE_FED);
  CHECK(part.error().empty());
}

TEST_CASE("who gave something is named once") {
  v1::DestinationRun part;
  add_suppliers(part, {"disk", "usb"});
  add_suppliers(part, {"cloud", "disk"});
  REQUIRE(part.supplied_from_size() == 3);
  CHECK(part.supplied_from(0) == "disk");
  CHECK(part.supplied_from(1) == "usb");
  CHECK(part.supplied_from(2) == "cloud");
}

TEST_CASE("what was noted of a destination stays, and its figures only grow") {
  for (const auto state : {v1::DESTINATION_RUN_STATE_DONE, v1::DESTINATION_RUN_STATE_BEHIND,
                           v1::DESTINATION_RUN_STATE_FILLING}) {
    v1::DestinationRun part;
    part.set_state(state);
    part.set_error("why");
    part.set_stored_bytes(10);
    show(progress(TargetState::kBehind, {5, 7, 9}), part);
    CHECK(part.state() == state);
    CHECK(part.error() == "why");
    CHECK(part.stored_bytes() == 10);
    CHECK(part.supplied_bytes() == 9);
    CHECK(counters_of(part).new_bytes == 5);
  }
}

TEST_CASE("a run's figures are made of those of its destinations") {
  v1::Run run;
  run.set_new_bytes(50);
  show(progress(TargetState::kFed, {20, 30, 0}), part_of(run, "disk"));
  show(progress(TargetState::kFed, {40, 60, 70}), part_of(run, "cloud"));
  add_up(run);
  // Content that one of them lacked and content that the other lacked is not the same.
  CHECK(run.new_bytes() == 50);
  CHECK(run.stored_bytes() == 90);
  CHECK(run.supplied_bytes() == 70);
  part_of(run, "disk").set_new_bytes(80);
  add_up(run);
  CHECK(run.new_bytes() == 80);

  CHECK_FALSE(is_done(run, "disk"));
  part_of(run, "disk").set_state(v1::DESTINATION_RUN_STATE_DONE);
  CHECK(is_done(run, "disk"));
  CHECK_FALSE(is_done(run, "elsewhere"));
  CHECK_FALSE(all_done(run));
  part_of(run, "cloud").set_state(v1::DESTINATION_RUN_STATE_DONE);
  CHECK(all_done(run));
}

}  // namespace
}  // namespace garner::daemon
