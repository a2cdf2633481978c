#include "snapshot_diff.h"

#include <fstream>

#include "base/error.h"
#include "copy_request.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

v1::DiffSnapshotsRequest diff_request(const std::string& before, const std::string& after) {
  v1::DiffSnapshotsRequest request;
  request.set_before(before);
  request.set_after(after);
  return request;
}

std::vector<v1::DiffSnapshotsResponse> diff_pages(WorkingMachine& machine,
                                                  const v1::DiffSnapshotsRequest& request) {
  Destinations& destinations = machine.here.destinations;
  DiffListing listing(comparable(destinations, choose_snapshot(destinations, request.before()),
                                 choose_snapshot(destinations, request.after())),
                      request);
  const std::atomic<bool> cancelled = false;
  std::vector<v1::DiffSnapshotsResponse> pages;
  for (v1::DiffSnapshotsResponse page; listing.next_page(page, cancelled); page.Clear())
    pages.push_back(page);
  return pages;
}

v1::DiffSnapshotsResponse diff(WorkingMachine& machine, const v1::DiffSnapshotsRequest& request) {
  v1::DiffSnapshotsResponse all;
  for (const v1::DiffSnapshotsResponse& page : diff_pages(machine, request)) all.MergeFrom(page);
  return all;
}

TEST_CASE("snapshots at different destinations of the same keys are compared") {
  WorkingMachine machine;
  const std::string before = machine.back_up("a");
  machine.write("more", "more");
  const std::string after = machine.back_up("b");
  const v1::DiffSnapshotsResponse found = diff(machine, diff_request(before, after));
  REQUIRE(found.changes_size() == 1);
  CHECK(found.changes(0).kind() == v1::DIFF_KIND_ADDED);
  CHECK(found.changes(0).path() == machine.folder.path("source/more"));
  CHECK(found.changes(0).type() == "file");
  CHECK(found.changes(0).size() == 4);
  CHECK(found.summary().added().files() == 1);
  CHECK(found.summary().metadata() == 1);  // the folder's time
  v1::DiffSnapshotsRequest metadata = diff_request(before, after);
  metadata.set_metadata(true);
  CHECK(diff(machine, metadata).changes_size() == 2);
  v1::DiffSnapshotsRequest summary = diff_request(before, after);
  summary.set_summary_only(true);
  CHECK(diff(machine, summary).changes().empty());
  CHECK(diff(machine, summary).summary().added().bytes() == 4);
}

TEST_CASE("under different keys they are compared where both are listed under one, or not at all") {
  WorkingMachine machine;
  machine.here.add("own", machine.folder.path("own"), with_password("its own"));
  const std::string before = machine.back_up("a");
  machine.write("more", "more");
  const std::string after = machine.back_up("own");
  CHECK(kind_of([&] { diff(machine, diff_request(before, after)); }) == ErrorKind::kInvalidInput);
  v1::StartCopyRequest copy;
  copy.set_snapshot(before);
  copy.set_destination("own");
  machine.execute(RunKind::kCopy, copy_request(machine.here.destinations, copy));
  CHECK(diff(machine, diff_request(before, after)).summary().added().files() == 1);
  CHECK(diff(machine, diff_request(after, before)).summary().removed().files() == 1);
}

TEST_CASE("a path of one is that of both, and one that is not there is an error that names the snapshot") {
  WorkingMachine machine;
  const std::string before = machine.back_up("a");
  machine.write("file", "longer than it was");
  machine.write("more", "more");
  const std::string after = machine.back_up("a");
  v1::DiffSnapshotsRequest request = diff_request(before, after);
  request.set_after_path("file");
  const v1::DiffSnapshotsResponse found = diff(machine, request);
  REQUIRE(found.changes_size() == 1);
  CHECK(found.changes(0).kind() == v1::DIFF_KIND_CHANGED);
  CHECK(found.changes(0).old_size() == 17);
  CHECK(found.changes(0).size() == 18);
  request.set_after_path("more");
  CHECK(kind_of([&] { diff(machine, request); }) == ErrorKind::kNotFound);
  try {
    diff(machine, request);
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(before.substr(0, 12)) != std::string::npos);
  }
}

TEST_CASE("pages are bounded, the last has the summary, and whoever goes away gets no more") {
  WorkingMachine machine;
  const std::string before = machine.back_up("a");
  for (int i = 0; i < 1'200; ++i) machine.write(std::to_string(i), "content");
  const std::string after = machine.back_up("a");
  const auto pages = diff_pages(machine, diff_request(before, after));
  int changes = 0;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    CHECK(pages[i].changes_size() <= 500);
    CHECK(pages[i].has_summary() == (i + 1 == pages.size()));
    changes += pages[i].changes_size();
  }
  CHECK(changes == 1'200);

  Destinations& destinations = machine.here.destinations;
  DiffListing listing({choose_snapshot(destinations, before), choose_snapshot(destinations, after)},
                      diff_request(before, after));
  const std::atomic<bool> cancelled = true;
  v1::DiffSnapshotsResponse page;
  CHECK_FALSE(listing.next_page(page, cancelled));
}

}  // namespace
}  // namespace garner::daemon
