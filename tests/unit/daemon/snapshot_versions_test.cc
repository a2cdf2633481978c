#include "snapshot_versions.h"

#include <atomic>
#include <fstream>

#include "base/error.h"
#include "copy_request.h"
#include "path_sights.h"
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
    return list_versions(here.destinations, histories, request, "", [] { return false; });
  }

  Histories histories{here.destinations, folder.path("state/history")};
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

TEST_CASE("an entry has all that an entry of a listing has, whatever its type") {
  Edited machine;
  std::filesystem::create_directories(machine.folder.path("source/letters"));
  machine.write("to ann", "letters/ann");
  std::filesystem::create_symlink("ann", machine.folder.path("source/letters/newest"));
  const std::string snapshot = machine.back_up("a");
  const auto entry_of = [&](const std::string& name) {
    const v1::ListVersionsResponse found = machine.list(machine.request(name));
    REQUIRE(found.versions_size() == 1);
    return found.versions(0).entry();
  };
  const auto listed = [&](const std::string& folder, const std::string& name) {
    FolderListing listing(choose_snapshot(machine.here.destinations, snapshot),
                          machine.folder.path("source" + folder));
    const std::atomic<bool> cancelled = false;
    for (v1::ListFolderResponse page; listing.next_page(page, cancelled); page.Clear()) {
      for (const v1::Entry& entry : page.entries()) {
        if (entry.name() == name) return entry;
      }
    }
    FAIL("it is not listed");
    return v1::Entry();
  };
  CHECK(entry_of("letters/ann").SerializeAsString() == listed("/letters", "ann").SerializeAsString());
  CHECK(entry_of("letters/newest").SerializeAsString() == listed("/letters", "newest").SerializeAsString());
  CHECK(entry_of("letters").SerializeAsString() == listed("", "letters").SerializeAsString());
}

TEST_CASE("another innermost source has the path, and versions that were there before are the same") {
  Edited machine;
  std::filesystem::create_directories(machine.folder.path("source/letters"));
  machine.write("to ann", "letters/ann");
  machine.back_up("a");
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_sources(machine.folder.path("source/letters"));
  machine.here.sets.edit(edit);
  machine.back_up("a");
  const v1::ListVersionsResponse found = machine.list(machine.request("letters/ann"));
  REQUIRE(found.versions_size() == 1);
  CHECK(found.versions(0).snapshots() == 2);
  CHECK(found.snapshots() == 2);
  // Out of the sources is no gap.
  const v1::ListVersionsResponse other = machine.list(machine.request("file"));
  CHECK(other.snapshots() == 1);
  CHECK(other.gaps().empty());
}

TEST_CASE("a snapshot that cannot be looked into is told of, and what others have is listed") {
  Edited machine;
  machine.back_up("a");
  machine.list(machine.request());
  machine.write("new");
  machine.back_up("a");
  const SnapshotHistory all = snapshot_history(machine.here.destinations, {});
  HistoryRow row = machine.histories.rows(all, [] { return false; }).front();
  REQUIRE(row.places.size() == 2);
  row.places[1].number = -1;
  row.gaps.push_back({-1, "/", "it is away", true});
  row.arrange();
  const PathSights sights(row, *row.history, machine.folder.path("source/file"));
  using Kind = PathSights::Sight::Kind;
  CHECK(sights.look(row.places[0]).kind == Kind::kPresent);
  CHECK(sights.look(row.places[0]).version->facts.size == 17);
  CHECK(sights.look(row.places[1]).kind == Kind::kUnread);
  CHECK(sights.look(row.places[1]).trouble.find("it is away") != std::string::npos);
  const PathSights other(row, *row.history, machine.folder.path("source/other"));
  CHECK(other.look(row.places[0]).kind == Kind::kAbsent);
  const PathSights outside(row, *row.history, machine.folder.path("elsewhere"));
  CHECK(outside.look(row.places[1]).kind == Kind::kOutside);
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
  failure_of(
      [&] {
        list_versions(machine.here.destinations, machine.histories, machine.request(), "",
                      [] { return true; });
      },
      ErrorKind::kCancelled);
}

}  // namespace
}  // namespace garner::daemon
