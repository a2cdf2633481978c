#include "snapshots.h"

#include "base/error.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

std::vector<std::string> list(TwoDisks& disks, const v1::ListSnapshotsRequest& request = {},
                              const std::string& zone = {}) {
  std::vector<std::string> ids;
  SnapshotListing listing(disks.here.destinations, request, zone);
  const v1::ListSnapshotsResponse listed = all_of(listing);
  for (const v1::SnapshotInfo& info : listed.snapshots()) ids.push_back(info.id());
  return ids;
}

// Of the names, the first of which may be a set.
std::vector<std::string> named(TwoDisks& disks, const std::vector<std::string>& names) {
  v1::ListSnapshotsRequest request;
  for (const std::string& name : names) request.add_names(name);
  return list(disks, request);
}

std::string choose(TwoDisks& disks, const std::string& selector) {
  return choose_snapshot(disks.here.destinations, selector).id;
}

TEST_CASE("the latest is what was finished last, wherever and in what order it was committed") {
  TwoDisks disks;
  const std::string newest = disks.add("a", 1);
  const std::string oldest = disks.add("b", 3);
  const std::string middle = disks.add("a", 2);
  CHECK(list(disks) == std::vector{newest, middle, oldest});
  CHECK(choose(disks, "latest") == newest);
  CHECK(choose(disks, "home@latest") == newest);
  CHECK(choose(disks, "home~1") == middle);
  CHECK(choose(disks, "home~2") == oldest);
}

TEST_CASE("a copy of an older snapshot that comes late is not the latest at one destination either") {
  TwoDisks disks;
  const std::string newest = disks.add("a", 1);
  const std::string copied = disks.add("a", 2);
  CHECK(list(disks) == std::vector{newest, copied});
  CHECK(choose(disks, "home@latest") == newest);
}

TEST_CASE("a snapshot of the future is the latest only where there is no other") {
  TwoDisks disks;
  const std::string future = disks.add("a", -1000);
  CHECK(choose(disks, "latest") == future);
  const std::string now = disks.add("a", 0);
  CHECK(choose(disks, "latest") == now);
  CHECK(choose(disks, "home~1") == future);
  CHECK(list(disks) == std::vector{now, future});
}

TEST_CASE("a snapshot that its run has numbered is one, at however many destinations it is") {
  TwoDisks disks;
  disks.add("b", 5);
  store::v1::Snapshot snapshot = disks.made(1);
  snapshot.set_sequence(7);
  const std::string id = disks.commit("a", snapshot);
  CHECK(disks.commit("b", snapshot) == id);
  SnapshotListing listing(disks.here.destinations, {});
  const v1::ListSnapshotsResponse all = all_of(listing);
  REQUIRE(all.snapshots_size() == 2);
  CHECK(all.snapshots(0).id() == id);
  REQUIRE(all.snapshots(0).destinations_size() == 2);
  CHECK(choose(disks, "home~1") == all.snapshots(1).id());
}

// home: one an hour ago, one 30 hours ago at the other disk; etc: one 100 hours ago, of another host.
struct History : TwoDisks {
  const std::string latest = add("a", 1);
  const std::string before = add("b", 30);
  const std::string other = [this] {
    store::v1::Snapshot snapshot = made(100);
    snapshot.mutable_set()->set_name("etc");
    snapshot.set_host("attic");
    snapshot.set_new_bytes(1000);
    snapshot.add_sources()->set_path("/etc");
    return commit("a", snapshot);
  }();
};

using Ids = std::vector<std::string>;

TEST_CASE("names choose by set and SELECTOR, what any of them chooses") {
  History history;
  CHECK(named(history, {}) == Ids{history.latest, history.before, history.other});
  CHECK(named(history, {"home"}) == Ids{history.latest, history.before});
  CHECK(named(history, {"home", "~1"}) == Ids{history.before});
  CHECK(named(history, {"home", "~0..~5"}) == Ids{history.latest, history.before});
  CHECK(named(history, {"etc@latest", "home@latest"}) == Ids{history.latest, history.other});
  CHECK(named(history, {"home", "5 days ago..20 hours ago"}) == Ids{history.before});
  CHECK(named(history, {"5 days ago..20 hours ago"}) == Ids{history.before, history.other});
  CHECK_THROWS_AS(named(history, {"hoem"}), Error);
  CHECK_THROWS_AS(named(history, {"home", "~7"}), Error);
}

TEST_CASE("what is listed is bounded by time, host, path and number") {
  History history;
  v1::ListSnapshotsRequest request;
  request.set_since("40 hours ago");
  CHECK(list(history, request) == Ids{history.latest, history.before});
  request.set_until("2 hours ago");
  CHECK(list(history, request) == Ids{history.before});
  request.set_until("60 hours ago");
  CHECK_THROWS_AS(list(history, request), Error);  // nothing can be between
  request.set_until("teatime");
  CHECK_THROWS_AS(list(history, request), Error);

  request = {};
  request.set_host("attic");
  CHECK(list(history, request) == Ids{history.other});
  request = {};
  request.set_path("/etc/ssh");
  CHECK(list(history, request) == Ids{history.other});
  request.set_path("/etcetera");
  CHECK(list(history, request).empty());
  request = {};
  request.set_limit(2);
  CHECK(list(history, request) == Ids{history.latest, history.before});
  request.set_order(v1::SNAPSHOT_ORDER_NEW);
  request.set_limit(1);
  CHECK(list(history, request) == Ids{history.other});
  request.set_order(v1::SNAPSHOT_ORDER_SET);
  request.set_limit(0);
  CHECK(list(history, request) == Ids{history.other, history.latest, history.before});
}

TEST_CASE("times are of the zone of who asks") {
  TwoDisks disks;
  store::v1::Snapshot snapshot = disks.made(0);
  *snapshot.mutable_finished() = snapshot::to_proto({1'769'900'400, 0});  // 2026-01-31T23:00Z
  *snapshot.mutable_scan_start() = snapshot.finished();
  const std::string id = disks.commit("a", snapshot);
  v1::ListSnapshotsRequest request;
  request.set_until("2026-01-31");
  CHECK(list(disks, request, "UTC") == Ids{id});
  CHECK(list(disks, request, "Europe/Berlin").empty());
  CHECK(choose_snapshot(disks.here.destinations, "home@2026-01-31", "UTC").id == id);
  CHECK_THROWS_AS(choose_snapshot(disks.here.destinations, "home@2026-01-31", "Europe/Berlin"), Error);
  CHECK_THROWS_AS(list(disks, request, "Mars/Olympus"), Error);
  CHECK(list(disks, {}, "Mars/Olympus") == Ids{id});  // no time, no zone
}

}  // namespace
}  // namespace garner::daemon
