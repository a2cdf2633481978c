// What scripts see of what the daemon answers.
#include "exit_code.h"

#include <grpcpp/support/status.h>

#include <catch2/catch.hpp>

using namespace garner::client;
namespace v1 = garner::v1;

TEST_CASE("a status has one exit code") {
  const auto code = [](grpc::StatusCode status) { return exit_code(grpc::Status(status, "message")); };
  CHECK(code(grpc::StatusCode::INVALID_ARGUMENT) == 2);
  CHECK(code(grpc::StatusCode::UNAVAILABLE) == 4);
  CHECK(code(grpc::StatusCode::PERMISSION_DENIED) == 5);
  CHECK(code(grpc::StatusCode::UNAUTHENTICATED) == 5);
  CHECK(code(grpc::StatusCode::DATA_LOSS) == 6);
  for (const auto other :
       {grpc::StatusCode::NOT_FOUND, grpc::StatusCode::FAILED_PRECONDITION, grpc::StatusCode::INTERNAL,
        grpc::StatusCode::UNIMPLEMENTED, grpc::StatusCode::CANCELLED, grpc::StatusCode::ALREADY_EXISTS,
        grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::UNKNOWN}) {
    CHECK(code(other) == 1);
  }
}

TEST_CASE("a run's end has one exit code") {
  v1::Run run;
  run.set_state(v1::RUN_STATE_FINISHED);
  run.add_destinations()->set_destination("disk");
  CHECK(exit_code(run) == 0);

  SECTION("errors") {
    run.set_error_count(1);
    CHECK(exit_code(run) == 3);
  }
  SECTION("incomplete") {
    run.set_incomplete(true);
    CHECK(exit_code(run) == 3);
  }
  SECTION("a destination that failed") {
    run.add_destinations()->set_error("away");
    CHECK(exit_code(run) == 3);
  }
  SECTION("failed") {
    run.set_state(v1::RUN_STATE_FAILED);
    CHECK(exit_code(run) == 1);
  }
  SECTION("cancelled") {
    run.set_state(v1::RUN_STATE_CANCELLED);
    CHECK(exit_code(run) == 1);
  }
  SECTION("damage outweighs all") {
    run.set_damage_found(true);
    run.set_error_count(3);
    CHECK(exit_code(run) == 6);
    run.set_state(v1::RUN_STATE_FAILED);
    CHECK(exit_code(run) == 6);
  }
}

TEST_CASE("only finished, failed and cancelled are ends") {
  v1::Run run;
  for (const auto state :
       {v1::RUN_STATE_QUEUED, v1::RUN_STATE_RUNNING, v1::RUN_STATE_PAUSED, v1::RUN_STATE_INTERRUPTED}) {
    run.set_state(state);
    CHECK_FALSE(has_ended(run));
  }
  for (const auto state : {v1::RUN_STATE_FINISHED, v1::RUN_STATE_FAILED, v1::RUN_STATE_CANCELLED}) {
    run.set_state(state);
    CHECK(has_ended(run));
  }
}
