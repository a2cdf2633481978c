#include "path_search.h"

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "copy_request.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

struct SearchedMachine : WorkingMachine {
  Histories histories{here.destinations, folder.path("state/history")};
};

v1::FindPathsRequest find_request(const std::string& pattern) {
  v1::FindPathsRequest request;
  request.add_patterns(pattern);
  return request;
}

std::vector<v1::FindPathsResponse> find_pages(SearchedMachine& machine, const v1::FindPathsRequest& request) {
  PathSearch search(machine.here.destinations, machine.histories, request);
  const std::atomic<bool> cancelled = false;
  std::vector<v1::FindPathsResponse> pages;
  for (v1::FindPathsResponse page; search.next_page(page, cancelled); page.Clear()) pages.push_back(page);
  return pages;
}

v1::FindPathsResponse find(SearchedMachine& machine, const v1::FindPathsRequest& request) {
  v1::FindPathsResponse all;
  for (const v1::FindPathsResponse& page : find_pages(machine, request)) all.MergeFrom(page);
  CHECK(all.summary().matches() == static_cast<std::uint64_t>(all.matches_size()));
  return all;
}

std::vector<std::string> names_of(SearchedMachine& machine, const v1::FindPathsRequest& request) {
  std::vector<std::string> names;
  const v1::FindPathsResponse found = find(machine, request);
  for (const v1::FoundPath& match : found.matches())
    names.push_back(match.path().substr(machine.folder.path("source").size()));
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("a name is found over all snapshots and destinations of a set") {
  SearchedMachine machine;
  CHECK(kind_of([&] { find(machine, find_request("*")); }) == ErrorKind::kNotFound);
  const std::string first = machine.back_up("a");
  machine.write("more", "more");
  machine.back_up("b");
  const std::string last = machine.back_up("a");
  const v1::FindPathsResponse found = find(machine, find_request("[fm]*e"));
  REQUIRE(found.matches_size() == 2);
  CHECK(found.summary().snapshots() == 3);
  CHECK(found.matches(0).path() == machine.folder.path("source/file"));
  CHECK(found.matches(0).first_snapshot() == first);
  CHECK(found.matches(0).last_snapshot() == last);
  CHECK(found.matches(0).snapshots() == 3);
  CHECK(found.matches(0).type() == "file");
  CHECK(found.matches(0).set() == "home");
  CHECK(found.matches(1).size() == 4);
  CHECK(found.matches(1).snapshots() == 2);
  // Of some snapshots only.
  v1::FindPathsRequest request = find_request("file");
  request.add_names("home");
  request.add_names("~1..~2");
  CHECK(find(machine, request).matches(0).snapshots() == 2);
}

TEST_CASE("a pattern with a slash is one of paths, from the root or of their ends") {
  SearchedMachine machine;
  std::filesystem::create_directories(machine.folder.path("source/docs/old"));
  for (const char* name : {"docs/a.txt", "docs/old/A.TXT", "a.txt"}) machine.write(name, name);
  machine.back_up("a");
  const auto found = [&](const std::string& pattern) { return names_of(machine, find_request(pattern)); };
  CHECK(found("a.txt") == Names{"/a.txt", "/docs/a.txt"});
  CHECK(found("docs/*.txt") == Names{"/docs/a.txt"});
  CHECK(found("docs/**") == Names{"/docs/a.txt", "/docs/old", "/docs/old/A.TXT"});
  CHECK(found("/docs/*.txt").empty());
  CHECK(found(machine.folder.path("source") + "/*") == Names{"/a.txt", "/docs", "/file"});
  CHECK(found("old/") == Names{"/docs/old"});
  CHECK(found("a.txt/").empty());
  v1::FindPathsRequest request = find_request("a.txt");
  request.set_ignore_case(true);
  request.add_patterns("nothing");
  CHECK(names_of(machine, request) == Names{"/a.txt", "/docs/a.txt", "/docs/old/A.TXT"});
  request.set_path(machine.folder.path("source/docs/old/"));
  CHECK(names_of(machine, request) == Names{"/docs/old/A.TXT"});
  CHECK(kind_of([&] { found("[a"); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { find(machine, {}); }) == ErrorKind::kInvalidInput);
  request.set_path("docs");
  CHECK(kind_of([&] { find(machine, request); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("what is found can be bounded by type, size and time") {
  SearchedMachine machine;
  std::filesystem::create_directories(machine.folder.path("source/folder"));
  machine.write("large", std::string(5'000, 'x'));
  std::filesystem::last_write_time(machine.folder.path("source/file"),
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(72));
  machine.back_up("a");
  v1::FindPathsRequest folders = find_request("f*");
  folders.add_types("folder");
  CHECK(names_of(machine, folders) == Names{"/folder"});
  folders.set_least_size(0);
  CHECK(names_of(machine, folders).empty());
  folders.add_types("dir");
  CHECK(kind_of([&] { find(machine, folders); }) == ErrorKind::kInvalidInput);
  v1::FindPathsRequest sizes = find_request("*");
  sizes.set_least_size(5'000);
  CHECK(names_of(machine, sizes) == Names{"/large"});
  sizes.set_least_size(1);
  sizes.set_most_size(4'999);
  CHECK(names_of(machine, sizes) == Names{"/file"});
  v1::FindPathsRequest old = find_request("[fl]*e");
  old.set_mtime_before("1 day ago");
  CHECK(names_of(machine, old) == Names{"/file"});
  old.clear_mtime_before();
  old.set_mtime_after("1 day ago");
  CHECK(names_of(machine, old) == Names{"/large"});
}

TEST_CASE(
    "matches come folder by folder, a folder before what is in it, and the first are those of a limit") {
  SearchedMachine machine;
  std::filesystem::create_directories(machine.folder.path("source/a/b"));
  for (const char* name : {"a/b/x", "a-b", "a/z", "B"}) machine.write(name, name);
  machine.back_up("a");
  machine.write("a/new", "in the newest only");
  machine.back_up("a");
  const Names all{"/B", "/a", "/a/b", "/a/b/x", "/a/new", "/a/z", "/a-b", "/file"};
  v1::FindPathsRequest request = find_request("*");
  request.set_path(machine.folder.path("source"));
  // The source itself comes first.
  const Names found = names_of(machine, request);
  REQUIRE(found.size() == all.size() + 1);
  CHECK(Names(found.begin() + 1, found.end()) == all);
  request.set_limit(6);
  CHECK(names_of(machine, request) == Names(found.begin(), found.begin() + 6));
}

TEST_CASE("the names of a folder are taken up again behind one that is deep, and no folder is too deep") {
  SearchedMachine machine;
  Names all;
  std::string folder;
  for (int depth = 0; depth < 40; ++depth) {
    folder += "/d";
    std::filesystem::create_directories(machine.folder.path("source" + folder));
    for (const char* name : {"/a", "/z"}) machine.write(folder.substr(1) + name, folder);
    all.push_back(folder + "/a");
  }
  for (; !folder.empty(); folder.resize(folder.size() - 2)) all.push_back(folder + "/z");
  machine.back_up("a");
  CHECK(names_of(machine, find_request("[az]")) == all);
}

TEST_CASE("what a path had when the source was another one is a match of that path") {
  SearchedMachine machine;
  std::filesystem::create_directories(machine.folder.path("source/docs"));
  machine.write("docs/letter", "one");
  machine.back_up("a");
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_sources(machine.folder.path("source/docs"));
  machine.here.sets.edit(edit);
  machine.back_up("a");
  machine.write("docs/new", "two");
  machine.back_up("a");
  v1::FindPathsResponse found = find(machine, find_request("letter"));
  REQUIRE(found.matches_size() == 1);
  CHECK(found.matches(0).snapshots() == 3);
  CHECK(names_of(machine, find_request("docs/*")) == Names{"/docs/letter", "/docs/new"});
  v1::FindPathsRequest request = find_request("*");
  request.set_path(machine.folder.path("source/docs"));
  CHECK(names_of(machine, request) == Names{"/docs", "/docs/letter", "/docs/new"});
  request.set_path(machine.folder.path("source/docs/letter"));
  CHECK(names_of(machine, request) == Names{"/docs/letter"});
  request.set_path(machine.folder.path("source/nothing"));
  CHECK(names_of(machine, request).empty());
}

TEST_CASE("bounds are asked of what each snapshot has, and content that comes back is the match it was") {
  SearchedMachine machine;
  machine.back_up("a");
  machine.write("file", "long, and longer than before");
  machine.back_up("a");
  machine.write("file", "what is backed up");
  const std::string last = machine.back_up("a");
  const v1::FindPathsResponse both = find(machine, find_request("file"));
  REQUIRE(both.matches_size() == 2);
  CHECK(both.matches(0).snapshots() == 2);
  CHECK(both.matches(0).last_snapshot() == last);
  CHECK(both.matches(1).snapshots() == 1);
  v1::FindPathsRequest large = find_request("file");
  large.set_least_size(20);
  const v1::FindPathsResponse found = find(machine, large);
  REQUIRE(found.matches_size() == 1);
  CHECK(found.matches(0).size() == 28);
}

TEST_CASE("what could not be read is told of, where it may hide what is looked for") {
  SearchedMachine machine;
  const std::string only = machine.back_up("a");
  PathSearch search(machine.here.destinations, machine.histories, find_request("file"));
  machine.take_away("a");
  const std::atomic<bool> going_on = false;
  v1::FindPathsResponse found;
  for (v1::FindPathsResponse page; search.next_page(page, going_on); page.Clear()) found.MergeFrom(page);
  REQUIRE(found.errors_size() == 1);
  CHECK(found.errors(0).path() == "/");
  CHECK(found.errors(0).snapshot() == only);
  CHECK(found.summary().errors() == 1);
  CHECK(found.matches_size() == 0);
  machine.bring_back("a");
  CHECK(find(machine, find_request("file")).matches_size() == 1);
}

TEST_CASE("pages and matches are bounded, and whoever goes away gets no more") {
  SearchedMachine machine;
  for (int i = 0; i < 1'200; ++i) machine.write(std::to_string(i), "content");
  machine.back_up("a");
  const auto pages = find_pages(machine, find_request("[0-9]*"));
  int matches = 0;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    CHECK(pages[i].matches_size() <= 500);
    CHECK(pages[i].has_summary() == (i + 1 == pages.size()));
    matches += pages[i].matches_size();
  }
  CHECK(matches == 1'200);
  CHECK_FALSE(pages.back().summary().limited());
  v1::FindPathsRequest few = find_request("[0-9]*");
  few.set_limit(7);
  const v1::FindPathsResponse found = find(machine, few);
  CHECK(found.matches_size() == 7);
  CHECK(found.summary().limited());
  few.set_limit(PathSearch::kMostMatches + 1);
  CHECK(kind_of([&] { find(machine, few); }) == ErrorKind::kInvalidInput);

  PathSearch search(machine.here.destinations, machine.histories, find_request("*"));
  const std::atomic<bool> cancelled = true;
  v1::FindPathsResponse page;
  CHECK_FALSE(search.next_page(page, cancelled));
}

TEST_CASE("under different keys what is alike is found under each, and a run's snapshot counts once") {
  SearchedMachine machine;
  machine.here.add("own", machine.folder.path("own"), with_password("its own"));
  const std::string before = machine.back_up("a");
  machine.back_up("own");
  CHECK(find(machine, find_request("file")).matches_size() == 2);
  v1::StartCopyRequest copy;
  copy.set_snapshot(before);
  copy.set_destination("own");
  machine.execute(RunKind::kCopy, copy_request(machine.here.destinations, copy));
  const v1::FindPathsResponse found = find(machine, find_request("file"));
  CHECK(found.summary().snapshots() == 2);
  std::uint64_t snapshots = 0;
  for (const v1::FoundPath& match : found.matches()) snapshots += match.snapshots();
  CHECK(snapshots == 2);
}

}  // namespace
}  // namespace garner::daemon
