#include "source/explain.h"

#include <barrier>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "real_files.h"
#include "source/track_append.h"
#include "support/temporary_folder.h"

namespace garner::source {

namespace {

struct Tree {
  Tree() {
    make_folders_durably(root + "/a/b/c");
    testing::write_file(root + "/.track", "# at the root\nignore *.o\n");
    testing::write_file(root + "/a/.track", "auto keep.o\nignore /b\nalways /b/c/x");
    options.set_rules = std::make_shared<RuleList>(parse_set_rules({"once *.jpg", "ignore keep.o"}));
  }
  std::string read(const std::string& path) const {
    return std::string(as_text(read_file(root + "/" + path, 1u << 21)));
  }
  testing::TemporaryFolder folder;
  std::string root = folder.path("source");
  ExplainOptions options;
};

std::string last(const Explanation& found) {
  if (found.matched.empty()) return "none";
  const MatchedRule& rule = found.matched.back();
  return (rule.file.empty() ? "set" : base_name(parent_path(rule.file))) + ":" + std::to_string(rule.line) +
         " " + rule.matched;
}

}  // namespace

TEST_CASE("the rule that decides is told with its place, and so are those that it overrides") {
  const Tree tree;
  auto of = [&](const std::string& path) { return explain(tree.root, path, tree.options); };
  CHECK(last(of("plain")) == "none");
  CHECK(of("plain").included);
  CHECK(last(of("x.jpg")) == "set:1 x.jpg");
  CHECK(of("x.jpg").track_class == TrackClass::kOnce);
  CHECK(last(of("x.o")) == "source:2 x.o");
  CHECK_FALSE(of("x.o").included);
  const Explanation kept = of("a/keep.o");
  CHECK(kept.included);
  CHECK(last(kept) == "a:1 a/keep.o");
  REQUIRE(kept.matched.size() == 3);
  CHECK(kept.matched[0].rule == "ignore keep.o");
  CHECK(kept.matched[1].line == 2);
  CHECK(last(of("a/b/other")) == "a:2 a/b");
  CHECK_FALSE(of("a/b/other").included);
  CHECK(of("a/b/c/x").included);
  CHECK(of("a/b/c/x").track_class == TrackClass::kAlways);
  CHECK(of("").included);
}

TEST_CASE("a .track file in a folder that is not entered says nothing") {
  const Tree tree;
  make_folders_durably(tree.root + "/a/d");
  testing::write_file(tree.root + "/a/d/.track", "auto x\n");
  append_to_track_file(tree.root, "a", "ignore /d");
  const Explanation found = explain(tree.root, "a/d/x", tree.options);
  CHECK_FALSE(found.included);
  CHECK(last(found) == "a:4 a/d");
}

TEST_CASE("what is left out without a rule is told why") {
  Tree tree;
  tree.options.exclude_caches = true;
  tree.options.excluded_folders = {tree.root + "/repository"};
  make_folders_durably(tree.root + "/repository");
  make_folders_durably(tree.root + "/cache");
  testing::write_file(tree.root + "/cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
  REQUIRE(symlink("a", (tree.root + "/link").c_str()) == 0);
  auto reason = [&](const std::string& path) {
    const Explanation found = explain(tree.root, path, tree.options);
    CHECK(found.included == found.reason.empty());
    return found.reason;
  };
  CHECK(reason("cache/x").find("CACHEDIR.TAG") != std::string::npos);
  CHECK(reason("cache").empty());
  CHECK(reason("repository/packs").find("repository") != std::string::npos);
  CHECK(reason("link/b").find("links are not followed") != std::string::npos);
  CHECK(reason("link").empty());
}

TEST_CASE("a rule is appended to the nearest .track file, which keeps its owner and mode") {
  const Tree tree;
  CHECK(nearest_track_folder(tree.root, "x") == "");
  CHECK(nearest_track_folder(tree.root, "a/x") == "a");
  CHECK(nearest_track_folder(tree.root, "a/gone/x") == "a");
  CHECK_FALSE(nearest_track_folder(tree.root + "/a/b", "c/x").has_value());
  // Of sources that are gone, or no folders any more.
  CHECK_FALSE(nearest_track_folder(tree.root + "/gone", "c/x").has_value());
  CHECK_FALSE(nearest_track_folder(tree.root + "/.track", "c/x").has_value());
  const std::string path = tree.root + "/a/.track";
  REQUIRE(chmod(path.c_str(), 0640) == 0);
  if (testing::is_root()) REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
  append_to_track_file(tree.root, "a", "ignore " + escaped_pattern("b/a b"));
  // The last line had no end.
  CHECK(tree.read("a/.track") == "auto keep.o\nignore /b\nalways /b/c/x\nignore /b/a\\ b\n");
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
  if (testing::is_root()) CHECK(status.st_uid == 65534);
  CHECK(list_names(tree.root + "/a").size() == 2);
}

TEST_CASE("no rule is written through a link, or into a file that grows beyond its bound") {
  const Tree tree;
  testing::write_file(tree.folder.path("victim"), "untouched");
  REQUIRE(symlink(tree.folder.path("victim").c_str(), (tree.root + "/a/b/.track").c_str()) == 0);
  CHECK(nearest_track_folder(tree.root, "a/b/x") == "a");
  CHECK_THROWS_AS(append_to_track_file(tree.root, "a/b", "ignore x"), Error);
  REQUIRE(symlink("a", (tree.root + "/link").c_str()) == 0);
  CHECK(nearest_track_folder(tree.root, "link/x") == "");
  CHECK_THROWS_AS(append_to_track_file(tree.root, "link", "ignore x"), Error);
  testing::write_file(tree.root + "/.track", std::string((1u << 20) - 5, '#'));
  CHECK_THROWS_AS(append_to_track_file(tree.root, "", "ignore x"), Error);
  CHECK(tree.read("../victim") == "untouched");
  CHECK(tree.read(".track").size() == (1u << 20) - 5);
  CHECK(list_names(tree.root).size() == 3);  // nothing is left beside it
}

TEST_CASE("what an editor saves while a rule is appended is there, and so is the rule") {
  const Tree tree;
  const std::string file = tree.root + "/a/.track";
  for (int i = 0; i < 300; ++i) {
    const std::string saved = "# version " + std::to_string(i) + "\n";
    testing::write_file(tree.root + "/saved", saved);
    std::barrier begin(2);
    std::jthread editor([&] {
      begin.arrive_and_wait();
      // At another moment of the appending each time.
      for (int turn = 0; turn < i % 50; ++turn) (void)list_names(tree.root);
      std::filesystem::rename(tree.root + "/saved", file);
    });
    begin.arrive_and_wait();
    REQUIRE_NOTHROW(append_to_track_file(tree.root, "a", "ignore /x"));
    editor.join();
    const std::string text = tree.read("a/.track");
    // Without the rule where he saved after that.
    if (text != saved) REQUIRE(text == saved + "ignore /x\n");
    REQUIRE(list_names(tree.root + "/a").size() == 2);
  }
}

TEST_CASE("no rule is appended to as many as count") {
  const Tree tree;
  std::string text;
  for (std::size_t i = 0; i + 1 < kMostRules; ++i) text += i % 2 == 0 ? "ignore a\n" : "# a\nwhat\n";
  testing::write_file(tree.root + "/.track", text);
  append_to_track_file(tree.root, "", "ignore b");
  CHECK(tree.read(".track") == text + "ignore b\n");
  CHECK_THROWS_AS(append_to_track_file(tree.root, "", "ignore c"), Error);
  CHECK(tree.read(".track") == text + "ignore b\n");
}

TEST_CASE("a rule as text of a configuration is the same rule again") {
  for (const std::string rule :
       {"ignore *.o", "ignore /a\\ b", "once \xff\\*", "ignore a\\x41", "ignore \xc3\xa4\\", "\\x5c"})
    CHECK(rule_from_text(rule_text(rule)) == rule);
  CHECK(rule_text("ignore /a\\ b") == "ignore /a\\ b");
}

}  // namespace garner::source
