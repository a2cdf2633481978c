// Runs that make way.
#include "run_queue.h"

#include "copy_request.h"
#include "destination_runs.h"
#include "run_message.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

bool made_way(QueuedMachine& machine, std::int64_t number) {
  for (const auto& change : machine.here.catalog.runs().changes(number)) {
    if (change.message == "it makes way for other runs") return true;
  }
  return false;
}

TEST_CASE("a copy that somebody asked for makes way for a backup, and goes on after it") {
  QueuedMachine machine;
  v1::StartCopyRequest wanted;
  wanted.set_snapshot(machine.back_up("a"));
  wanted.set_destination("b");
  machine.runs.load();
  const std::int64_t copy = parse_run_number(
      machine.runs.add(RunKind::kCopy, "", copy_request(machine.here.destinations, wanted)).run_id());
  const StoredRequest request = machine.backup_to({"a"});
  std::int64_t backup = 0;
  machine.here.while_runs_stand_still([&] {
    CHECK_FALSE(machine.runs.is_running());
    machine.runs.start();
    CHECK(machine.runs.is_running());
    CHECK(machine.runs.get(copy).state() == v1::RUN_STATE_RUNNING);
    backup = parse_run_number(machine.runs.add(RunKind::kBackup, "home", request).run_id());
  });
  CHECK(machine.at_rest(backup).state() == v1::RUN_STATE_FINISHED);
  const v1::Run copied = machine.at_rest(copy);
  CHECK(copied.state() == v1::RUN_STATE_FINISHED);
  CHECK(copied.attempts() == 2);
  CHECK(made_way(machine, copy));
  CHECK(machine.snapshots("b") == 1);
}

TEST_CASE("a backup that gives its snapshot to others ends when somebody waits, and a copy goes on") {
  QueuedMachine machine;
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_destinations("a");
  edit.add_destinations("b");
  machine.here.sets.edit(edit);
  // The daemon was killed while it filled "b".
  catalog::RunRow row = machine.row(RunKind::kBackup, machine.backup_to({"a", "b"}));
  row.number = machine.here.catalog.runs().add(row);
  ActiveRun first(row, machine.backup_to({"a"}), {}, 0);
  machine.work.execute(first, first.begin_attempt());
  v1::Run report = first.message();
  part_of(report, "b").set_state(v1::DESTINATION_RUN_STATE_FILLING);
  const std::string text = report.SerializeAsString();
  row.report.assign(text.begin(), text.end());
  row.state = catalog::RunState::kInterrupted;
  machine.here.catalog.runs().change(row);

  std::filesystem::create_directories(machine.folder.path("more"));
  v1::AddSetRequest other;
  other.set_name("other");
  other.add_sources(machine.folder.path("more"));
  other.add_destinations("a");
  machine.here.sets.add(other);
  const StoredRequest request =
      backup_request(machine.here.sets.get("other"), machine.here.catalog.commands());
  const bool of_its_set = GENERATE(false, true);
  machine.runs.load();
  std::int64_t waiting = 0;
  machine.here.while_runs_stand_still([&] {
    machine.runs.start();
    CHECK(machine.runs.get(row.number).state() == v1::RUN_STATE_RUNNING);
    // As when the set itself is due again.
    if (of_its_set) machine.runs.end_filling(row.number);
    if (!of_its_set)
      waiting = parse_run_number(machine.runs.add(RunKind::kBackup, "other", request).run_id());
  });
  const v1::Run ended = machine.at_rest(row.number);
  CHECK(ended.state() == v1::RUN_STATE_FINISHED);
  CHECK(ended.incomplete());
  if (!of_its_set) CHECK(machine.at_rest(waiting).state() == v1::RUN_STATE_FINISHED);
  const std::vector<v1::Run> of_set = machine.listed();
  REQUIRE(of_set.front().kind() == v1::RUN_KIND_COPY);
  const v1::Run copied = machine.at_rest(parse_run_number(of_set.front().run_id()));
  CHECK(copied.state() == v1::RUN_STATE_FINISHED);
  CHECK(copied.snapshot_id() == ended.snapshot_id());
  CHECK(machine.here.catalog.set_destinations().behind().empty());
}

TEST_CASE("runs are listed in pages, each going on where the one before ended") {
  QueuedMachine machine;
  constexpr std::size_t kRuns = 450;
  machine.here.catalog.configuration().change([&](catalog::Database&) {
    for (std::size_t i = 0; i < kRuns; ++i) {
      catalog::RunRow row = machine.row(RunKind::kBackup, {});
      machine.here.catalog.runs().add(row);
    }
  });
  v1::ListRunsRequest request;
  std::int64_t next = kRuns;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    const v1::ListRunsResponse page = machine.runs.list(request);
    REQUIRE(page.runs_size() <= 200);
    REQUIRE_FALSE(page.runs().empty());
    for (const v1::Run& run : page.runs()) REQUIRE(run.run_id() == std::to_string(next--));
    request.set_before(page.runs().rbegin()->run_id());
    more = page.more();
  }
  CHECK(next == 0);
  CHECK(pages == 3);

  request.clear_before();
  request.set_limit(2);
  CHECK(machine.runs.list(request).runs_size() == 2);
  CHECK(machine.runs.list(request).more());
  request.set_set("other");
  CHECK_FALSE(machine.runs.list(request).more());
  request.set_before("none");
  CHECK(kind_of([&] { machine.runs.list(request); }) == ErrorKind::kNotFound);

  // Of large ones fewer, and at least one.
  catalog::RunRow large = machine.row(RunKind::kCheck, {});
  v1::Run report;
  for (int i = 0; i < 300; ++i) report.mutable_check()->add_problems(std::string(4096, 'x'));
  const std::string text = report.SerializeAsString();
  large.report.assign(text.begin(), text.end());
  for (int i = 0; i < 3; ++i) {
    large.uuid = Uuid::random();
    machine.here.catalog.runs().add(large);
  }
  const v1::ListRunsResponse page = machine.runs.list({});
  CHECK(page.runs_size() == 1);
  CHECK(page.more());
}

}  // namespace
}  // namespace garner::daemon
