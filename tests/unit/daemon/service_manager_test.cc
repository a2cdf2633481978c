#include "service_manager.h"

#include <catch2/catch.hpp>

namespace garner::daemon {
namespace {

v1::Run run_of(v1::RunKind kind, v1::RunState state) {
  v1::Run run;
  run.set_run_id("7");
  run.set_kind(kind);
  run.set_state(state);
  if (kind == v1::RUN_KIND_BACKUP) run.set_set("home");
  return run;
}

TEST_CASE("the service's status says what is under way, and how far it is") {
  CHECK(status_line({}) == "idle");
  v1::Run backup = run_of(v1::RUN_KIND_BACKUP, v1::RUN_STATE_RUNNING);
  CHECK(status_line({backup}) == "backup of home");
  backup.mutable_progress()->set_total_files(8);
  backup.mutable_progress()->set_done_files(2);
  CHECK(status_line({backup}) == "backup of home, 25 %");
  backup.mutable_progress()->set_total_bytes(1000);
  backup.mutable_progress()->set_done_bytes(999);
  CHECK(status_line({backup}) == "backup of home, 99 %");
  // More than was expected.
  backup.mutable_progress()->set_done_bytes(3000);
  CHECK(status_line({backup}) == "backup of home, 100 %");
  backup.mutable_progress()->set_stage("committing");
  CHECK(status_line({backup}) == "backup of home, committing");
  CHECK(status_line({run_of(v1::RUN_KIND_BACKUP, v1::RUN_STATE_PAUSED),
                     run_of(v1::RUN_KIND_RESTORE, v1::RUN_STATE_QUEUED),
                     run_of(v1::RUN_KIND_REPAIR, v1::RUN_STATE_INTERRUPTED)}) ==
        "backup of home is paused; restore waits; repair is interrupted");
}

}  // namespace
}  // namespace garner::daemon
