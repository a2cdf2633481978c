// Tags over all destinations: changed wherever a snapshot is listed, and listed by.
#include "snapshot_tags.h"

#include "base/error.h"
#include "maintenance/tagging.h"
#include "snapshots.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using Names = std::vector<std::string>;

struct Tagged : TwoDisks {
  v1::TagSnapshotsResponse tag(const Names& names, const Names& tags) {
    v1::TagSnapshotsRequest request;
    request.mutable_names()->Add(names.begin(), names.end());
    request.mutable_add()->Add(tags.begin(), tags.end());
    return tag_snapshots(here.destinations, request);
  }
  // Ids of those that have all of these.
  Names with(const Names& tags) {
    v1::ListSnapshotsRequest request;
    request.mutable_tags()->Add(tags.begin(), tags.end());
    Names ids;
    SnapshotListing listing(here.destinations, request);
    const v1::ListSnapshotsResponse listed = all_of(listing);
    for (const v1::SnapshotInfo& one : listed.snapshots()) ids.push_back(one.id());
    return ids;
  }
  int tags_at(const std::string& destination) {
    int tags = 0;
    const auto state = here.destinations.open(destination)->state();
    for (const store::v1::SnapshotEntry& entry : state->snapshots()) tags += entry.tags_size();
    return tags;
  }
};

ErrorKind tag_refusal(Tagged& disks, const v1::TagSnapshotsRequest& request) {
  try {
    tag_snapshots(disks.here.destinations, request);
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("it was not refused");
  return ErrorKind::kInternal;
}

TEST_CASE("a snapshot is tagged wherever it is listed, and listed by its tags") {
  Tagged disks;
  store::v1::Snapshot both = disks.made(1);
  both.set_sequence(7);
  const std::string newest = disks.commit("a", both);
  REQUIRE(disks.commit("b", both) == newest);
  const std::string oldest = disks.add("b", 5);

  const v1::TagSnapshotsResponse told = disks.tag({"home~0..~1", "latest"}, {"x", "a"});
  REQUIRE(told.snapshots_size() == 2);
  CHECK(told.snapshots(0).id() == newest);
  CHECK(told.snapshots(0).changed());
  REQUIRE(told.snapshots(0).tags_size() == 2);
  CHECK(told.snapshots(0).tags(0) == "a");
  CHECK(disks.tags_at("a") == 2);
  CHECK(disks.tags_at("b") == 4);
  CHECK_FALSE(disks.tag({"latest"}, {"x"}).snapshots(0).changed());
  disks.tag({oldest}, {"old"});

  CHECK(disks.with({"x"}) == Names{newest, oldest});
  CHECK(disks.with({"x", "old"}) == Names{oldest});
  CHECK(disks.with({"X"}).empty());

  // One that lacks it at one destination, as a copy that was made later, has it all the same.
  maintenance::edit_tags(*disks.here.destinations.open("a"), {crypto::BlobId::from_bytes(from_hex(newest))},
                         {store::Tags(), {}, {}});
  CHECK(disks.tags_at("a") == 0);
  CHECK(disks.with({"a"}) == Names{newest, oldest});
}

TEST_CASE("what chooses nothing, or says two things at once, changes nothing") {
  Tagged disks;
  const std::string id = disks.add("a", 1);
  CHECK_THROWS_AS(disks.tag({id, "ffffffff"}, {"x"}), Error);
  CHECK_THROWS_AS(disks.tag({}, {"x"}), Error);
  v1::TagSnapshotsRequest request;
  request.add_names(id);
  CHECK(tag_refusal(disks, request) == ErrorKind::kInvalidInput);
  request.add_add("x");
  request.set_clear(true);
  CHECK(tag_refusal(disks, request) == ErrorKind::kInvalidInput);
  request.set_clear(false);
  request.add_replace("y");
  CHECK(tag_refusal(disks, request) == ErrorKind::kInvalidInput);
  request.clear_replace();
  request.add_remove("x");
  CHECK(tag_refusal(disks, request) == ErrorKind::kInvalidInput);
  request.clear_remove();
  request.add_add("a,b");
  CHECK(tag_refusal(disks, request) == ErrorKind::kInvalidInput);
  CHECK(disks.tags_at("a") == 0);
}

}  // namespace
}  // namespace garner::daemon
