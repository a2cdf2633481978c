#include "status_check.h"

#include <catch2/catch.hpp>

using namespace garner::client;
namespace v1 = garner::v1;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

v1::Status well() {
  v1::Status status;
  for (const char* name : {"home", "docs"}) {
    auto* set = status.add_sets();
    set->set_name(name);
    set->mutable_last_clean()->set_seconds(kNow - 7200);
    set->mutable_last_ended()->set_run_id("5");
    set->mutable_last_ended()->set_state(v1::RUN_STATE_FINISHED);
    set->mutable_last_ended()->set_new_bytes(10);
    auto* one = status.add_destinations();
    one->set_name(std::string(name) + "-disk");
    one->set_state(v1::DESTINATION_STATE_READY);
    one->set_free_bytes(3);
    one->set_total_bytes(9);
    one->add_sets(name);
  }
  return status;
}

CheckResult check(const v1::Status& status, const std::vector<std::string>& sets = {}) {
  const CheckResult result = check_status(status, sets, kNow);
  CHECK(result.line.find('\n') == std::string::npos);
  return result;
}

bool says(const CheckResult& result, const std::string& text) {
  INFO(result.line);
  return result.line.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("all well") {
  const CheckResult result = check(well());
  CHECK(result.code == CheckCode::kWell);
  CHECK(result.line ==
        "GARNER OK - 2 sets, the oldest clean backup is of docs, 2h ago | 'home_age'=7200s;;;0 "
        "'home_new'=10B;;;0 "
        "'home_errors'=0;;;0 'docs_age'=7200s;;;0 'docs_new'=10B;;;0 'docs_errors'=0;;;0 "
        "'home-disk_free'=3B;;;0;9 "
        "'docs-disk_free'=3B;;;0;9");
  CHECK(check(v1::Status()).line == "GARNER OK - 0 sets");
}

TEST_CASE("what is critical") {
  v1::Status status = well();
  status.mutable_sets(0)->mutable_last_ended()->set_state(v1::RUN_STATE_FAILED);
  CHECK(check(status).code == CheckCode::kCritical);
  CHECK(says(check(status), "GARNER CRITICAL - the last backup of home failed (run 5) |"));
  status = well();
  status.mutable_sets(1)->set_overdue(true);
  CHECK(says(check(status), "CRITICAL - docs is overdue |"));
  status = well();
  status.mutable_destinations(0)->set_state(v1::DESTINATION_STATE_REFUSED);
  status.mutable_destinations(0)->set_detail("forked | really\n");
  CHECK(says(check(status), "CRITICAL - destination home-disk is refused: forked / really\\x0a |"));
  status.mutable_destinations(0)->set_state(v1::DESTINATION_STATE_NEEDS_REPAIR);
  CHECK(check(status).code == CheckCode::kCritical);
  status = well();
  status.mutable_destinations(0)->set_damage_run("9");
  CHECK(says(check(status), "CRITICAL - damage was found at destination home-disk (run 9)"));
}

TEST_CASE("what is a warning") {
  v1::Status status = well();
  status.mutable_sets(0)->mutable_last_ended()->set_error_count(1);
  CHECK(check(status).code == CheckCode::kWarning);
  CHECK(says(check(status), "WARNING - the last backup of home had 1 error (run 5)"));
  status = well();
  status.mutable_sets(0)->clear_last_ended();
  CHECK(says(check(status), "WARNING - home has no backup yet"));
  status = well();
  status.mutable_destinations(0)->set_state(v1::DESTINATION_STATE_AWAY);
  CHECK(says(check(status), "WARNING - destination home-disk is away"));
  CHECK_FALSE(says(check(status), "home-disk_free"));
  status = well();
  status.mutable_destinations(0)->set_check_overdue(true);
  CHECK(says(check(status), "WARNING - destination home-disk is overdue for a check"));
  status = well();
  status.add_undelivered("ops");
  CHECK(says(check(status), "WARNING - notification ops cannot be delivered"));
}

TEST_CASE("a run that waits for long is a warning, unless for its window") {
  v1::Status status = well();
  auto* run = status.add_active_runs();
  run->set_kind(v1::RUN_KIND_BACKUP);
  run->set_run_id("12");
  run->set_set("home");
  run->set_state(v1::RUN_STATE_PAUSED);
  run->set_pause_reason(v1::PAUSE_REASON_DESTINATION_AWAY);
  run->mutable_queued()->set_seconds(kNow - 3599);
  CHECK(check(status).code == CheckCode::kWell);
  run->mutable_queued()->set_seconds(kNow - 3660);
  CHECK(says(check(status),
             "WARNING - backup of home (run 12) waits, 1h 1m after its begin: its destination is away"));
  CHECK(check(status, {"docs"}).code == CheckCode::kWell);
  run->set_pause_reason(v1::PAUSE_REASON_STATE_FULL);
  CHECK(says(check(status), "after its begin: the disk of the daemon's state folder is full"));
  run->set_pause_reason(v1::PAUSE_REASON_WINDOW);
  CHECK(check(status).code == CheckCode::kWell);
  run->set_state(v1::RUN_STATE_RUNNING);
  run->set_pause_reason(v1::PAUSE_REASON_NONE);
  CHECK(check(status).code == CheckCode::kWell);
}

TEST_CASE("only what is asked for counts, and what is not there is unknown") {
  v1::Status status = well();
  status.mutable_sets(0)->set_overdue(true);
  status.mutable_destinations(0)->set_state(v1::DESTINATION_STATE_REFUSED);
  status.add_undelivered("ops");
  CHECK(check(status, {"docs"}).code == CheckCode::kWell);
  CHECK(says(check(status, {"docs"}), "OK - 1 set,"));
  CHECK_FALSE(says(check(status, {"docs"}), "home"));
  CHECK(check(status, {"docs", "home"}).code == CheckCode::kCritical);
  CHECK(check(status, {"other"}).line == "GARNER UNKNOWN - there is no set other");
  CHECK(check(status, {"other"}).code == CheckCode::kUnknown);
}

TEST_CASE("the worst decides, comes first, and a long list is cut") {
  v1::Status status = well();
  status.mutable_sets(0)->mutable_last_ended()->set_error_count(1);
  status.mutable_sets(1)->set_overdue(true);
  CHECK(says(check(status), "GARNER CRITICAL - docs is overdue; the last backup of home had 1 error"));
  for (int i = 0; i < 20; ++i) status.add_undelivered("n" + std::to_string(i));
  CHECK(says(check(status), "notification n7 cannot be delivered; and 12 more |"));
}
