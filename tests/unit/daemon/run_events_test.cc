// What runs and overdue sets mean to notifications.
#include "run_events.h"

#include "installation.h"
#include "stored_request.h"

namespace garner::daemon {
namespace {

using catalog::NotificationEvent;
using catalog::RunKind;
using catalog::RunRow;
using catalog::RunState;

constexpr TimePoint kNow{1'800'000'000, 0};

// A catalog with a notification that hears everything.
struct Listener {
  Listener() : here(folder.path("state")) {
    catalog::Notification all;
    all.name = "all";
    all.target = "https://example.org";
    all.events = 63;
    here.catalog.notifications().add(all);
  }

  // Texts of what was queued since.
  std::vector<std::string> heard() {
    std::vector<std::string> texts;
    for (const auto& event : here.catalog.deliveries().queued("all", 1000)) {
      texts.push_back(name_of(event.event) + ": " + event.text);
      here.catalog.deliveries().note_delivered("all", event.id, kNow);
    }
    return texts;
  }
  std::vector<std::string> after(const RunRow& row) {
    here.catalog.deliveries().change([&](catalog::Database& database) { record_run(database, row, kNow); });
    return heard();
  }

  testing::TemporaryFolder folder;
  Installation here;
};

RunRow run_in(RunState state, const std::function<void(RunRow&, v1::Run&)>& change = {}) {
  RunRow row;
  row.number = 5;
  row.set = "home";
  row.state = state;
  row.attempts = 1;
  v1::Run report;
  if (change) change(row, report);
  const std::string text = report.SerializeAsString();
  row.report.assign(text.begin(), text.end());
  return row;
}

using Texts = std::vector<std::string>;

TEST_CASE("a backup tells of its begin once, and of a clean end") {
  Listener listener;
  CHECK(listener.after(run_in(RunState::kQueued)).empty());
  CHECK(listener.after(run_in(RunState::kRunning)) == Texts{"start: Backup of home has begun"});
  CHECK(listener.after(run_in(RunState::kPaused)).empty());
  CHECK(listener.after(run_in(RunState::kInterrupted)).empty());
  CHECK(listener.after(run_in(RunState::kRunning, [](RunRow& row, v1::Run&) { row.attempts = 2; })).empty());
  CHECK(listener.after(run_in(RunState::kFinished)) ==
        Texts{"success: Backup of home finished without errors"});
  CHECK(listener.after(run_in(RunState::kCancelled)).empty());
}

TEST_CASE("after a failure and after errors the first clean backup is a recovery, once") {
  Listener listener;
  CHECK(listener.after(run_in(RunState::kFailed, [](RunRow& row, v1::Run&) { row.message = "no reason"; })) ==
        Texts{"failure: Backup of home failed: no reason"});
  CHECK(listener.after(run_in(RunState::kFinished, [](RunRow& row, v1::Run&) { row.error_count = 1; })) ==
        Texts{"errors: Backup of home finished with 1 error"});
  CHECK(listener.after(run_in(RunState::kFinished, [](RunRow&, v1::Run& report) {
    report.set_incomplete(true);
  })) == Texts{"errors: Backup of home finished incompletely"});
  // Another set's is no news of this one.
  CHECK(listener.after(run_in(RunState::kFinished, [](RunRow& row, v1::Run&) { row.set = "docs"; })) ==
        Texts{"success: Backup of docs finished without errors"});
  CHECK(listener.after(run_in(RunState::kFinished)) ==
        Texts{"recovery: Backup of home is well again: it finished without errors",
              "success: Backup of home finished without errors"});
  CHECK(listener.after(run_in(RunState::kFinished)).size() == 1);
}

TEST_CASE("checks and prunes tell of failures, damage and recovery, restores of nothing") {
  Listener listener;
  const auto check = [](RunRow& row, v1::Run& report) {
    row.kind = RunKind::kCheck;
    row.set.clear();
    report.set_damage_found(true);
    report.mutable_check()->set_problem_count(2);
  };
  CHECK(listener.after(run_in(RunState::kRunning, [](RunRow& row, v1::Run&) { row.kind = RunKind::kCheck; }))
            .empty());
  CHECK(listener.after(run_in(RunState::kFinished, check)) ==
        Texts{"failure: Check found damage: 2 problems"});
  CHECK(listener
            .after(run_in(RunState::kFinished,
                          [](RunRow& row, v1::Run&) {
                            row.kind = RunKind::kPrune;
                            row.set.clear();
                          }))
            .empty());
  CHECK(listener.after(run_in(RunState::kFinished, [](RunRow& row, v1::Run&) {
    row.kind = RunKind::kCheck;
  })) == Texts{"recovery: Check is well again: it finished without errors"});
  CHECK(listener.after(run_in(RunState::kFailed, [](RunRow& row, v1::Run&) { row.kind = RunKind::kRestore; }))
            .empty());
}

TEST_CASE("a check that is clean at one destination is no recovery of another one") {
  Listener listener;
  const auto check_of = [](const std::vector<std::string>& destinations, bool damage) {
    return run_in(RunState::kFinished, [&](RunRow& row, v1::Run& report) {
      StoredRequest request;
      request.destinations = destinations;
      row.kind = RunKind::kCheck;
      row.set.clear();
      row.request = encode(request);
      report.set_damage_found(damage);
      report.mutable_check()->set_problem_count(damage ? 1 : 0);
    });
  };
  CHECK(listener.after(check_of({"a", "b"}, true)) ==
        Texts{"failure: Check of a, b found damage: 1 problem"});
  CHECK(listener.after(check_of({"c"}, false)).empty());
  CHECK(listener.after(check_of({"a"}, false)) ==
        Texts{"recovery: Check of a is well again: it finished without errors"});
  CHECK(listener.after(check_of({"a"}, false)).empty());
  CHECK(listener.after(check_of({"a", "b"}, false)).size() == 1);
}

TEST_CASE("an overdue set is told of once, until it was clean or waits no more") {
  Listener listener;
  catalog::Catalog& catalog = listener.here.catalog;
  const std::vector<std::string> sets{"docs", "home"};
  const std::vector<OverdueSet> overdue{{"home", "late"}};
  CHECK_FALSE(record_overdue(catalog, {}, sets, kNow));
  CHECK(record_overdue(catalog, overdue, sets, kNow));
  CHECK(listener.heard() == Texts{"overdue: late"});
  CHECK_FALSE(record_overdue(catalog, overdue, sets, kNow));
  // A failure in between changes nothing of that.
  CHECK(listener.after(run_in(RunState::kFailed)).size() == 1);
  CHECK_FALSE(record_overdue(catalog, overdue, sets, kNow));
  CHECK(listener.heard().empty());
  CHECK(listener.after(run_in(RunState::kFinished)).at(0) ==
        "recovery: Backup of home is well again: it finished without errors");
  CHECK(record_overdue(catalog, overdue, sets, kNow));
  CHECK(listener.heard().size() == 1);
  // It may wait for longer now, and then that is over again.
  CHECK_FALSE(record_overdue(catalog, {}, sets, kNow));
  CHECK(record_overdue(catalog, overdue, sets, kNow));
  CHECK(listener.heard().size() == 1);
}

TEST_CASE("events have names") {
  for (const NotificationEvent event : events_in(63)) CHECK(event_named(name_of(event)) == event);
  CHECK(events_in(63).size() == 6);
  CHECK(kind_of([] { event_named("moonrise"); }) == ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace garner::daemon
