#include "snapshot_versions.h"

#include <fstream>

#include "base/error.h"
#include "copy_request.h"
#include "snapshot_files.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

struct Edited : WorkingMachine {
  void write(const std::string& content, const std::string& name = "file") const {
    std::ofstream(folder.path("source/" + name)) << content;
  }
  v1::ListVersionsRequest request(const std::string& name = "file") const {
    v1::ListVersionsRequest request;
    request.set_path(folder.path("source/" + name));
    return request;
  }
  v1::ListVersionsResponse list(const v1::ListVersionsRequest& request) {
    return list_versions(here.destinations, request, "", [] { return false; });
  }
};

std::string failure_of(const std::function<void()>& call, ErrorKind kind) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  FAIL("it does not fail");
  return {};
}

TEST_CASE(
    "versions are told over all destinations, the newest first, with the time in which nothing was there") {
  Edited machine;
  const std::string first = machine.back_up("a");
  machine.write("first, changed", "other");
  const std::string second = machine.back_up("b");
  std::filesystem::remove(machine.folder.path("source/file"));
  const std::string gone = machine.back_up("b");
  machine.write("new");
  const std::string newest = machine.back_up("a");

  const v1::ListVersionsResponse found = machine.list(machine.request());
  CHECK(found.snapshots() == 4);
  CHECK(found.errors().empty());
  REQUIRE(found.versions_size() == 2);
  const v1::FileVersion& now = found.versions(0);
  CHECK(now.number() == 1);
  CHECK(now.entry().size() == 3);
  CHECK(now.first_snapshot() == newest);
  CHECK(now.last_snapshot() == newest);
  CHECK(now.snapshots() == 1);
  const v1::FileVersion& before = found.versions(1);
  CHECK(before.number() == 2);
  CHECK(before.entry().size() == 17);
  CHECK(before.entry().type() == "file");
  CHECK(before.first_snapshot() == first);
  CHECK(before.last_snapshot() == second);
  CHECK(before.snapshots() == 2);
  CHECK(std::vector<std::string>(before.destinations().begin(), before.destinations().end()) ==
        std::vector<std::string>{"a", "b"});
  REQUIRE(found.gaps_size() == 1);
  CHECK(found.gaps(0).first_snapshot() == gone);
  CHECK(found.gaps(0).snapshots() == 1);
  CHECK(found.gaps(0).ended());

  // What it is told to be read by.
  SnapshotFiles files(machine.here.destinations);
  v1::ReadContentRequest content;
  content.set_snapshot(before.last_snapshot());
  content.set_path(before.layout_path());
  content.set_length(100);
  CHECK(files.read_content(content).content() == "what is backed up");
}

TEST_CASE("whatever is asked for, numbers are those of all snapshots") {
  Edited machine;
  machine.back_up("a");
  machine.write("second");
  const std::string second = machine.back_up("a");
  machine.write("the third one");
  machine.back_up("a");
  v1::ListVersionsRequest request = machine.request();
  request.add_names("home");
  request.add_names("~1..~2");
  const v1::ListVersionsResponse found = machine.list(request);
  REQUIRE(found.versions_size() == 2);
  CHECK(found.snapshots() == 2);
  CHECK(found.versions(0).number() == 2);
  CHECK(found.versions(0).last_snapshot() == second);
  CHECK(found.versions(1).number() == 3);

  request = machine.request();
  request.set_until("2 hours ago");
  CHECK(machine.list(request).versions().empty());
  request.set_until("teatime");
  failure_of([&] { machine.list(request); }, ErrorKind::kInvalidInput);
}

TEST_CASE("a snapshot that other keys have as well counts once, and content of other keys makes no version") {
  Edited machine;
  machine.here.add("own", machine.folder.path("own"), with_password("its own"));
  const std::string before = machine.back_up("a");
  v1::StartCopyRequest copy;
  copy.set_snapshot(before);
  copy.set_destination("own");
  machine.execute(RunKind::kCopy, copy_request(machine.here.destinations, copy));
  machine.write("more", "more");
  machine.back_up("own");
  const v1::ListVersionsResponse found = machine.list(machine.request());
  REQUIRE(found.versions_size() == 1);
  CHECK(found.versions(0).snapshots() == 2);
  CHECK(found.versions(0).first_snapshot() == before);
  CHECK(found.versions(0).destinations_size() == 2);
}

TEST_CASE("what no snapshot has is an error that says where the path ends, or that it is in no source") {
  Edited machine;
  machine.back_up("a");
  const std::string near = failure_of([&] { machine.list(machine.request("fil")); }, ErrorKind::kNotFound);
  CHECK(near.find("did you mean file") != std::string::npos);
  v1::ListVersionsRequest request;
  request.set_path("/nowhere/at all");
  CHECK(failure_of([&] { machine.list(request); }, ErrorKind::kNotFound).find("in its sources") !=
        std::string::npos);
  request.set_path("relative");
  failure_of([&] { machine.list(request); }, ErrorKind::kInvalidInput);
  failure_of([&] { list_versions(machine.here.destinations, machine.request(), "", [] { return true; }); },
             ErrorKind::kCancelled);
}

}  // namespace
}  // namespace garner::daemon
