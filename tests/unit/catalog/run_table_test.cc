#include "catalog/run_table.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

TEST_CASE("a run keeps everything, and each change of its state is a row") {
  StateFolder state;
  RunRow run = backup_of("home");
  run.request = {0, 1, 2};
  {
    Catalog catalog = state.open();
    run.number = catalog.runs().add(run);
    state.clock.set({1'800'000'100, 7});
    run.state = RunState::kRunning;
    run.started = TimePoint{1'800'000'100, 7};
    run.attempts = 1;
    catalog.runs().change(run);
    state.clock.set({1'800'000'200, 8});
    run.state = RunState::kPaused;
    run.pause_reason = PauseReason::kDestinationFull;
    run.message = "no space";
    run.report = {9, 0, 9};
    run.error_count = 3;
    catalog.runs().change(run);
  }
  Catalog catalog = state.open();
  const RunRow read = catalog.runs().find(run.number).value();
  CHECK(read.uuid == run.uuid);
  CHECK(read.kind == RunKind::kBackup);
  CHECK(read.set == "home");
  CHECK(read.request == run.request);
  CHECK(read.state == RunState::kPaused);
  CHECK(read.pause_reason == PauseReason::kDestinationFull);
  CHECK(read.message == "no space");
  CHECK(read.queued == run.queued);
  CHECK(read.started == run.started);
  CHECK_FALSE(read.finished.has_value());
  CHECK(read.attempts == 1);
  CHECK(read.error_count == 3);
  CHECK(read.report == run.report);

  const std::vector<RunChange> changes = catalog.runs().changes(run.number);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].state == RunState::kQueued);
  CHECK(changes[1].state == RunState::kRunning);
  CHECK(changes[1].time == TimePoint{1'800'000'100, 7});
  CHECK(changes[2].state == RunState::kPaused);
  CHECK(changes[2].pause_reason == PauseReason::kDestinationFull);
  CHECK(changes[2].message == "no space");
}

TEST_CASE("runs are listed newest first, by set, and those not over oldest first") {
  StateFolder state;
  Catalog catalog = state.open();
  RunTable& runs = catalog.runs();
  for (const char* set : {"a", "b", "a", "b"}) runs.add(backup_of(set));
  RunRow second = runs.find(2).value();
  second.state = RunState::kFailed;
  runs.change(second);
  std::vector<std::int64_t> all;
  for (const RunRow& run : runs.list("", 3)) all.push_back(run.number);
  CHECK(all == std::vector<std::int64_t>{4, 3, 2});
  REQUIRE(runs.list("a", 10).size() == 2);
  CHECK(runs.list("a", 10).front().number == 3);
  std::vector<std::int64_t> unfinished;
  for (const RunRow& run : runs.unfinished()) unfinished.push_back(run.number);
  CHECK(unfinished == std::vector<std::int64_t>{1, 3, 4});
  CHECK(runs.last_of_set("b")->number == 4);
  CHECK_FALSE(runs.last_of_set("c").has_value());
}

TEST_CASE("the last clean backup is one that finished without errors") {
  StateFolder state;
  Catalog catalog = state.open();
  RunTable& runs = catalog.runs();
  const auto finish = [&](RunState how, std::uint64_t errors, std::int64_t when) {
    RunRow run = backup_of("home");
    run.number = runs.add(run);
    run.state = how;
    run.error_count = errors;
    run.finished = TimePoint{when, 0};
    runs.change(run);
  };
  CHECK_FALSE(runs.last_clean("home").has_value());
  finish(RunState::kFinished, 0, 1'800'000'001);
  finish(RunState::kFinished, 2, 1'800'000'002);
  finish(RunState::kFailed, 0, 1'800'000'003);
  CHECK(runs.last_clean("home") == TimePoint{1'800'000'001, 0});
}

TEST_CASE("errors are kept once each and up to a bound") {
  StateFolder state;
  Catalog catalog = state.open();
  RunTable& runs = catalog.runs();
  const std::int64_t run = runs.add(backup_of("home"));
  CHECK(runs.add_error(run, {"/a/\xff\n", "no"}));
  CHECK_FALSE(runs.add_error(run, {"/a/\xff\n", "no"}));
  CHECK(runs.add_error(run, {"/a/\xff\n", "something else"}));
  REQUIRE(runs.errors(run, 10).size() == 2);
  CHECK(runs.errors(run, 10).front().path == "/a/\xff\n");
  for (int i = 0; i < 1100; ++i) runs.add_error(run, {"/b/" + std::to_string(i), "no"});
  CHECK(runs.error_count(run) == kMaximumRunErrors);
  CHECK(runs.errors(run, 100).size() == 100);
  RunRow row = *runs.find(run);
  row.error_count = 1102;
  CHECK(runs.errors_not_kept(row) == 102);
  // One that went on may have counted an error again.
  row.number = runs.add(backup_of("home"));
  runs.add_error(row.number, {"/a", "no"});
  CHECK(runs.errors_not_kept(row) == 0);
}

TEST_CASE("what fails tells since when, over the runs of its set in a row") {
  StateFolder state;
  Catalog catalog = state.open();
  RunTable& runs = catalog.runs();
  const auto made = [&](const std::string& set, std::int64_t when, RunState ended,
                        const std::vector<RunErrorRow>& errors) {
    RunRow run = backup_of(set);
    run.number = runs.add(run);
    run.state = ended;
    run.started = TimePoint{when, 0};
    runs.change(run);
    for (const RunErrorRow& error : errors) CHECK(runs.add_error(run.number, error));
    return run;
  };
  made("home", 1, RunState::kFinished, {{"/long", "no"}, {"/was well", "no"}});
  made("home", 2, RunState::kFinished, {{"/long", "no"}});
  made("other", 3, RunState::kFinished, {});
  // One that was cancelled may not have come so far.
  made("home", 4, RunState::kCancelled, {});
  made("home", 5, RunState::kFinished, {{"/long\xff", "no"}, {"/was well", "no"}, {"/long", "no"}});
  const RunRow last =
      made("home", 6, RunState::kFinished,
           {{"/new", "no", true}, {"/long", "no"}, {"/was well", "a"}, {"/was well", "b", true, true}});

  const std::vector<FailingPath> failing = runs.failing_paths(last);
  REQUIRE(failing.size() == 3);
  CHECK(failing[0].path == "/new");
  CHECK(failing[0].kept);
  CHECK_FALSE(failing[0].unreadable);
  CHECK(failing[0].runs == 1);
  CHECK(failing[0].since == TimePoint{6, 0});
  CHECK(failing[1].path == "/long");
  CHECK_FALSE(failing[1].kept);
  CHECK(failing[1].runs == 4);
  CHECK(failing[1].since == TimePoint{1, 0});
  CHECK(failing[2].message == "a; b");
  CHECK(failing[2].kept);
  CHECK(failing[2].unreadable);
  CHECK(failing[2].runs == 2);
  CHECK(failing[2].since == TimePoint{5, 0});
}

TEST_CASE("of errors that an earlier version noted those are unreadable that have an older version") {
  StateFolder state;
  {
    Database database(state.file());
    make_old_catalog(database, 15);
    database.execute(R"sql(
      INSERT INTO runs VALUES (1, x'01020304050607080102030405060708', 1, 'home', x'', 5, 0, '', 0, 1, 2, 1,
        2, '', x'');
      INSERT INTO run_errors VALUES (1, 0, '/kept', 'no', 1);
      INSERT INTO run_errors VALUES (1, 1, '/other', 'no', 0);
    )sql");
  }
  Catalog catalog = state.open();
  REQUIRE_FALSE(catalog.rebuilt());
  const std::vector<RunErrorRow> errors = catalog.runs().errors(1, 10);
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].unreadable);
  CHECK_FALSE(errors[1].unreadable);
}

TEST_CASE("of a run that changes without end the newest changes are kept") {
  StateFolder state;
  Catalog catalog = state.open();
  RunRow run = backup_of("home");
  run.number = catalog.runs().add(run);
  catalog.runs().add(backup_of("other"));
  catalog.configuration().change([&](Database&) {
    for (std::uint64_t i = 0; i < kMaximumRunChanges + 10; ++i) {
      run.message = std::to_string(i);
      catalog.runs().change(run);
    }
  });
  const std::vector<RunChange> changes = catalog.runs().changes(run.number);
  CHECK(changes.size() == kMaximumRunChanges);
  CHECK(changes.front().message == "10");
  CHECK(changes.back().message == run.message);
  CHECK(catalog.runs().changes(run.number + 1).size() == 1);
}

TEST_CASE("of old runs those stay of which something is asked still") {
  StateFolder state;
  Catalog catalog = state.open();
  RunTable& runs = catalog.runs();
  const auto made = [&](const std::string& set, RunState ended, std::uint64_t errors = 0) {
    RunRow run = backup_of(set);
    run.number = runs.add(run);
    run.state = ended;
    run.error_count = errors;
    runs.change(run);
    if (errors > 0) runs.add_error(run.number, {"/a", "no", true, true});
  };
  made("home", RunState::kFinished);     // 1, the first of all
  made("home", RunState::kFinished);     // 2
  made("home", RunState::kFinished);     // 3, the last clean one
  made("home", RunState::kFailed);       // 4
  made("home", RunState::kFinished, 1);  // 5, the last that came to an end
  made("home", RunState::kInterrupted);  // 6, is not over
  made("home", RunState::kCancelled);    // 7
  made("home", RunState::kCancelled);    // 8
  made("home", RunState::kCancelled);    // 9
  made("other", RunState::kCancelled);   // 10
  CHECK(runs.old_runs(100).empty());
  CHECK(runs.old_runs(1) == std::vector<std::int64_t>{2, 4, 7, 8});
  const auto counted = runs.count_ended();
  runs.remove({2, 4, 7});
  CHECK_FALSE(runs.find(2).has_value());
  CHECK(runs.changes(4).empty());
  CHECK(runs.old_runs(1) == std::vector<std::int64_t>{8});
  CHECK(runs.last_ended("home")->number == 5);
  CHECK(runs.errors(5, 10).size() == 1);
  CHECK(runs.last_clean("home") == runs.find(3)->finished);
  const auto still = runs.count_ended();
  REQUIRE(still.size() == counted.size());
  for (std::size_t i = 0; i < still.size(); ++i) CHECK(still[i].count == counted[i].count);
  CHECK(runs.add(backup_of("home")) == 11);
}

TEST_CASE("changing a run that is not there is an error") {
  StateFolder state;
  Catalog catalog = state.open();
  RunRow run = backup_of("home");
  run.number = 12;
  CHECK_THROWS_AS(catalog.runs().change(run), Error);
}

TEST_CASE("times of the tables keep nanoseconds, before 1970 too") {
  for (const TimePoint time : {TimePoint{0, 0}, TimePoint{-1, 999'999'999}, TimePoint{1'800'000'000, 1}}) {
    CHECK(from_nanoseconds(to_nanoseconds(time)) == time);
  }
}

}  // namespace
}  // namespace garner::catalog
