#include "path_rules.h"

#include <atomic>
#include <memory>
#include <thread>

#include "base/file.h"
#include "installation.h"
#include "source/track_file.h"
#include "support/eventually.h"

namespace garner::daemon {
namespace {

namespace fs = std::filesystem;

struct WithSet {
  WithSet() : here(folder.path("state")), rules(here.destinations, here.sets) {
    here.add("disk", folder.path("disk"));
    fs::create_directories(folder.path("source"));
    v1::AddSetRequest request;
    request.set_name("home");
    request.add_sources(folder.path("source"));
    request.add_destinations("disk");
    request.add_rules("once *.jpg");
    here.sets.add(request);
  }
  v1::AddedRule ignore(const std::string& path) {
    v1::IgnorePathsRequest request;
    request.add_paths(path);
    const v1::IgnorePathsResponse response = rules.ignore(request);
    REQUIRE(response.rules_size() == 1);
    return response.rules(0);
  }
  std::vector<std::string> set_rules() {
    const catalog::BackupSet set = here.sets.get("home");
    return {set.definition.rules().begin(), set.definition.rules().end()};
  }

  testing::TemporaryFolder folder;
  Installation here;
  PathRules rules;
};

TEST_CASE("a path in a source that is gone is ignored by a rule of its set, once") {
  WithSet with;
  fs::remove_all(with.folder.path("source"));
  const v1::AddedRule added = with.ignore(with.folder.path("source/a/b"));
  CHECK(added.rule() == "ignore /a/b");
  CHECK(added.file().empty());
  CHECK_FALSE(added.existed());
  CHECK(with.ignore(with.folder.path("source/a/b")).existed());
  CHECK(with.ignore(with.folder.path("source/a/b/c")).existed());
  CHECK_FALSE(with.ignore(with.folder.path("source/x.jpg")).existed());
  CHECK(with.set_rules() == std::vector<std::string>{"once *.jpg", "ignore /a/b", "ignore /x.jpg"});

  // And where a file has taken its place.
  replace_file_durably(with.folder.path("source"), as_bytes("x"));
  CHECK(with.ignore(with.folder.path("source/a/b")).existed());
  CHECK_FALSE(with.ignore(with.folder.path("source/y")).existed());
}

TEST_CASE("what the rules say of a path in a source that is gone is told by its letters") {
  WithSet with;
  with.ignore(with.folder.path("source/a"));
  fs::remove_all(with.folder.path("source"));
  v1::ExplainPathRequest request;
  request.set_set("home");
  request.set_path(with.folder.path("source/a/x.jpg"));
  const v1::ExplainPathResponse found = with.rules.explain(request);
  CHECK_FALSE(found.included());
  CHECK(found.decided_by().rule() == "ignore /a");
  REQUIRE(found.overridden_size() == 1);
  CHECK(found.overridden(0).rule() == "once *.jpg");
}

TEST_CASE(
    "an ignored folder that is entered for what later rules hold in it is ignored by a rule after them") {
  WithSet with;
  fs::create_directories(with.folder.path("source/cache/deep"));
  v1::EditSetRequest edit;
  edit.set_name("home");
  edit.add_rules("ignore /cache/");
  edit.add_rules("always *.vdi");
  with.here.sets.edit(edit);
  CHECK_FALSE(with.ignore(with.folder.path("source/cache/deep")).existed());
  CHECK(with.ignore(with.folder.path("source/cache/deep")).existed());
  CHECK(with.ignore(with.folder.path("source/cache/file")).existed());
  CHECK(with.set_rules() == std::vector<std::string>{"ignore /cache/", "always *.vdi", "ignore /cache/deep"});
}

struct WithRun : WithSet {
  WithRun() {
    v1::EditSetRequest edit;
    edit.set_name("home");
    v1::CommandSource& command = *edit.mutable_commands()->add_sources();
    command.set_name("shop.sql");
    command.set_command("pg_dump shop");
    here.sets.edit(edit);
    catalog::RunRow row;
    row.set = "home";
    run = here.catalog.runs().add(row);
  }
  v1::IgnorePathsResponse ignore_all_of(const std::vector<std::string>& failed) {
    for (const std::string& path : failed)
      here.catalog.runs().add_error(run, {path, "it failed", false, /*unreadable=*/true});
    v1::IgnorePathsRequest request;
    request.set_run_id(std::to_string(run));
    return rules.ignore(request);
  }
  std::int64_t run = 0;
};

TEST_CASE("of what failed in a run that which no rule can leave out is passed over and told") {
  WithRun with;
  const std::string source = with.folder.path("source");
  const auto answer = with.ignore_all_of(
      {"/command/shop.sql", source, source + "/two\nlines", "/elsewhere/x", source + "/a"});
  REQUIRE(answer.rules_size() == 1);
  CHECK(answer.rules(0).rule() == "ignore /a");
  REQUIRE(answer.passed_over_size() == 4);
  CHECK(answer.passed_over(0).path() == "/command/shop.sql");
  CHECK(answer.passed_over(0).reason().find("command") != std::string::npos);
  CHECK(answer.passed_over(1).path() == source);
  CHECK(answer.passed_over(3).path() == "/elsewhere/x");
  CHECK(with.set_rules() == std::vector<std::string>{"once *.jpg", "ignore /a"});
}

TEST_CASE("what a run only warned of is not left out by what is done with its failures") {
  WithRun with;
  const std::string source = with.folder.path("source");
  for (const char* name : {"/warned", "/both"})
    with.here.catalog.runs().add_error(with.run, {source + name, "its access list cannot be read"});
  const auto answer = with.ignore_all_of({source + "/both"});
  REQUIRE(answer.rules_size() == 1);
  CHECK(answer.rules(0).path() == source + "/both");
  REQUIRE(answer.passed_over_size() == 1);
  CHECK(answer.passed_over(0).path() == source + "/warned");
  CHECK(answer.passed_over(0).reason().find("warning") != std::string::npos);
  CHECK(with.set_rules() == std::vector<std::string>{"once *.jpg", "ignore /both"});
}

// Nothing can be added to it.
std::string full_track_file(const std::string& rules) {
  return rules + "#" + std::string(source::kMostTrackFileBytes - rules.size() - 2, ' ') + "\n";
}

TEST_CASE(
    "where a .track file cannot be written to the set gets the rule, unless a rule of the file decides") {
  WithRun with;
  fs::create_directories(with.folder.path("source/a"));
  const std::string track = with.folder.path("source/a/.track");
  const std::string text = full_track_file("always *.db\n");
  replace_file_durably(track, as_bytes(text));
  const v1::AddedRule added = with.ignore(with.folder.path("source/a/file"));
  CHECK(added.rule() == "ignore /a/file");
  CHECK(added.file().empty());
  CHECK(with.ignore(with.folder.path("source/a/file")).existed());

  const auto answer = with.ignore_all_of({with.folder.path("source/a/b.db"), with.folder.path("source/a/c")});
  REQUIRE(answer.passed_over_size() == 1);
  CHECK(answer.passed_over(0).path() == with.folder.path("source/a/b.db"));
  CHECK(answer.passed_over(0).reason().find(".track files come after it") != std::string::npos);
  REQUIRE(answer.rules_size() == 1);
  CHECK(answer.rules(0).rule() == "ignore /a/c");
  CHECK(with.set_rules() == std::vector<std::string>{"once *.jpg", "ignore /a/file", "ignore /a/c"});
  CHECK(as_text(read_file(track, 2u << 20)) == text);

  // Nor does a rule of the set do for a folder in which one of the file's holds something.
  fs::create_directories(with.folder.path("source/a/folder"));
  for (int i = 0; i < 2; ++i)
    CHECK(with.ignore_all_of({with.folder.path("source/a/folder")}).passed_over_size() == 2);
  CHECK(with.set_rules().size() == 3);

  // Of several that are given the error says that those before it are done.
  v1::IgnorePathsRequest request;
  request.add_paths(with.folder.path("source/a/d"));
  request.add_paths(with.folder.path("source/a/b.db"));
  try {
    with.rules.ignore(request);
    FAIL("it was added");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("the rules that were added before stay") != std::string::npos);
  }
  CHECK(with.set_rules().back() == "ignore /a/d");
}

TEST_CASE("what failed in a run is ignored where it was, though a link leads elsewhere by now") {
  WithRun with;
  fs::create_directories(with.folder.path("source/precious"));
  fs::create_symlink("precious", with.folder.path("source/mine"));
  const auto answer = with.ignore_all_of({with.folder.path("source/mine/x")});
  REQUIRE(answer.rules_size() == 1);
  CHECK(answer.rules(0).existed());  // a backup goes through no link
  CHECK(with.set_rules() == std::vector<std::string>{"once *.jpg"});

  // The source itself may be reached by one.
  fs::rename(with.folder.path("source"), with.folder.path("moved"));
  fs::create_symlink("moved", with.folder.path("source"));
  with.ignore_all_of({with.folder.path("source/precious/y")});
  CHECK(with.set_rules() == std::vector<std::string>{"once *.jpg", "ignore /precious/y"});
}

// Each on a thread of its own, which outlives the test where it never ends.
bool both_end(const std::function<void()>& one, const std::function<void()>& other) {
  const auto ended = std::make_shared<std::atomic<int>>(0);
  for (const auto& work : {one, other}) {
    std::thread([work, ended] {
      work();
      ++*ended;
    }).detach();
  }
  return testing::eventually([&] { return *ended == 2; });
}

TEST_CASE("a set may be edited while a rule is added to it, and no edit is lost") {
  const auto with = std::make_shared<WithSet>();
  fs::remove_all(with->folder.path("source"));
  constexpr int kRounds = 200;
  const auto adding = [with] {
    for (int i = 0; i < kRounds; ++i) {
      v1::IgnorePathsRequest request;
      request.add_paths(with->folder.path("source/" + std::to_string(i)));
      with->rules.ignore(request);
    }
  };
  const auto editing = [with] {
    for (int i = 0; i < kRounds; ++i) {
      v1::EditSetRequest edit;
      edit.set_name("home");
      edit.set_exclude_caches(i % 2 == 0);
      with->here.sets.edit(edit);
    }
  };
  REQUIRE(both_end(adding, editing));
  CHECK(with->set_rules().size() == kRounds + 1);
}

}  // namespace
}  // namespace garner::daemon
