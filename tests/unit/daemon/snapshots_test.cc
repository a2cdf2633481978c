#include "snapshots.h"

#include "two_disks.h"

namespace garner::daemon {
namespace {

std::vector<std::string> list(TwoDisks& disks) {
  std::vector<std::string> ids;
  const v1::ListSnapshotsResponse listed = list_snapshots(disks.here.destinations, "");
  for (const v1::SnapshotInfo& info : listed.snapshots()) ids.push_back(info.id());
  return ids;
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
  const v1::ListSnapshotsResponse all = list_snapshots(disks.here.destinations, "home");
  REQUIRE(all.snapshots_size() == 2);
  CHECK(all.snapshots(0).id() == id);
  REQUIRE(all.snapshots(0).destinations_size() == 2);
  CHECK(choose(disks, "home~1") == all.snapshots(1).id());
}

}  // namespace
}  // namespace garner::daemon
