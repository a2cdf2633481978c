#include "path_rules.h"

#include "installation.h"

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

}  // namespace
}  // namespace garner::daemon
