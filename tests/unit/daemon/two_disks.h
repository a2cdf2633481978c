// A machine with two destinations that share its keyring, and what its runs do there.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "installation.h"
#include "run_queue.h"
#include "run_work.h"
#include "snapshot/node.h"
#include "snapshots.h"
#include "support/eventually.h"
#include "support/store_fixture.h"

namespace garner::daemon {

// All pages as one.
inline v1::ListSnapshotsResponse all_of(SnapshotListing& listing) {
  v1::ListSnapshotsResponse all;
  const std::atomic<bool> cancelled = false;
  for (v1::ListSnapshotsResponse page; listing.next_page(page, cancelled); page.Clear()) all.MergeFrom(page);
  return all;
}

struct TwoDisks {
  TwoDisks() : here(folder.path("state")) {
    here.add("a", folder.path("a"));
    here.add("b", folder.path("b"));
  }
  // As when its disk is pulled out.
  void take_away(const std::string& destination) const {
    std::filesystem::rename(folder.path(destination), folder.path(destination + ", elsewhere"));
  }
  void bring_back(const std::string& destination) const {
    std::filesystem::rename(folder.path(destination + ", elsewhere"), folder.path(destination));
  }

  // A snapshot of the set "home" that was finished so many hours ago, with nothing in it.
  store::v1::Snapshot made(std::int64_t age) const {
    store::v1::Snapshot snapshot = testing::test_snapshot(Uuid::random(), set);
    snapshot.mutable_set()->set_name("home");
    const TimePoint time{system_clock().now().seconds - age * 3600, 0};
    *snapshot.mutable_scan_start() = snapshot::to_proto(time);
    *snapshot.mutable_finished() = snapshot::to_proto(time);
    return snapshot;
  }
  // Its id.
  std::string commit(const std::string& destination, const store::v1::Snapshot& snapshot) {
    store::CommitPlan plan;
    plan.snapshot = snapshot;
    const store::CommitOutcome outcome = here.destinations.open(destination)->commit(plan);
    REQUIRE(outcome.committed);
    return outcome.snapshot_id->hex();
  }
  std::string add(const std::string& destination, std::int64_t age) { return commit(destination, made(age)); }
  int snapshots(const std::string& destination) {
    return here.destinations.open(destination)->state()->snapshots_size();
  }

  testing::TemporaryFolder folder;
  Installation here;
  const Uuid set = Uuid::random();
};

// With a set "home" that goes to "a", and runs of which each is one attempt, on the test's thread.
struct WorkingMachine : TwoDisks {
  WorkingMachine() : work(here.destinations, Settings{}) {
    std::filesystem::create_directories(folder.path("source"));
    std::ofstream(folder.path("source/file")) << "what is backed up";
    v1::AddSetRequest request;
    request.set_name("home");
    request.add_sources(folder.path("source"));
    request.add_destinations("a");
    request.mutable_retention()->set_last(3);
    here.sets.add(request);
  }
  // A file of the set's.
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder.path("source/" + name)) << content;
  }
  catalog::RunRow row(catalog::RunKind kind, const StoredRequest& request) {
    catalog::RunRow row;
    row.uuid = Uuid::random();
    row.kind = kind;
    const bool catches_up = kind == catalog::RunKind::kCopy && request.by_itself;
    row.set = kind == catalog::RunKind::kBackup || catches_up ? "home" : "";
    row.request = encode(request);
    row.queued = system_clock().now();
    return row;
  }
  std::unique_ptr<ActiveRun> begin(catalog::RunKind kind, const StoredRequest& request) {
    catalog::RunRow made = row(kind, request);
    made.number = here.catalog.runs().add(made);
    return std::make_unique<ActiveRun>(made, request, std::vector<catalog::RunErrorRow>{}, 0);
  }
  v1::Run execute(ActiveRun& run) {
    work.execute(run, run.begin_attempt());
    // It is over: a run queue is not to go on with it.
    catalog::RunRow done = run.row();
    done.state = catalog::RunState::kFinished;
    done.report = run.report();
    here.catalog.runs().change(done);
    return run.message();
  }
  v1::Run execute(catalog::RunKind kind, const StoredRequest& request) {
    return execute(*begin(kind, request));
  }
  StoredRequest backup_to(const std::vector<std::string>& destinations) {
    StoredRequest request = backup_request(here.sets.get("home"), here.catalog.commands());
    request.destinations = destinations;
    return request;
  }
  // The snapshot's id.
  std::string back_up(const std::string& destination) {
    return execute(catalog::RunKind::kBackup, backup_to({destination})).snapshot_id();
  }
  StoredRequest restore_of(const std::string& snapshot, const std::string& target) const {
    StoredRequest request;
    request.restore.set_snapshot(snapshot);
    request.restore.set_target(folder.path(target));
    return request;
  }
  bool is_restored(const std::string& target) const {
    std::ifstream file(folder.path(target + "/file"));
    std::string content;
    std::getline(file, content);
    return content == "what is backed up";
  }

  RunWork work;
};

// Whose runs go through a queue, once it is loaded and started.
struct QueuedMachine : WorkingMachine {
  v1::Run at_rest(std::int64_t number) {
    v1::Run run;
    REQUIRE(garner::testing::eventually([&] {
      run = runs.get(number);
      return run.state() != v1::RUN_STATE_QUEUED && run.state() != v1::RUN_STATE_RUNNING;
    }));
    return run;
  }

  // Of the set "home", as one page has them.
  std::vector<v1::Run> listed() {
    v1::ListRunsRequest request;
    request.set_set("home");
    const v1::ListRunsResponse page = runs.list(request);
    return {page.runs().begin(), page.runs().end()};
  }

  RunQueue runs{here.catalog, work, system_clock(), [] {}};
};

}  // namespace garner::daemon
