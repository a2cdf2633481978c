#include "source/rules.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "real_files.h"
#include "source/rule_scope.h"
#include "support/temporary_folder.h"

namespace garner::source {

namespace {

std::shared_ptr<const RuleList> list(std::string_view text, const std::string& file = "") {
  auto rules = std::make_shared<RuleList>(parse_track_file(file, text));
  for (const BadLine& bad : rules->bad) FAIL("line " << bad.line << ": " << bad.message);
  return rules;
}

std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& name : std::filesystem::path(path)) names.push_back(name.string());
  return names;
}

// Class of a path below the root, as the rules in the root have it.
TrackClass class_of(const std::shared_ptr<const RuleScope>& root, const std::string& path, bool is_folder) {
  if (!root) return TrackClass::kAuto;
  const std::vector<std::string> names = names_of(path);
  std::shared_ptr<const RuleScope> scope = root;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) scope = scope->below(names[i]);
  return scope->track_class(names.back(), is_folder);
}
std::string file_class(std::string_view rules, const std::string& path) {
  return std::string(to_string(class_of(RuleScope::of_root(list(rules)), path, false)));
}

std::string trouble(std::string_view rule) {
  try {
    parse_rule(rule, 1);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the last rule that matches a path or a folder above it decides") {
  const auto rules = "ignore /cache\nauto /cache/keep\nalways *.db\nonce photos/\n";
  CHECK(file_class(rules, "cache/a") == "ignore");
  CHECK(file_class(rules, "cache/keep") == "auto");
  CHECK(file_class(rules, "cache/keep/a/b") == "auto");
  CHECK(file_class(rules, "cache/deep/x.db") == "always");
  CHECK(file_class(rules, "deep/cache/a") == "auto");
  CHECK(file_class(rules, "deep/photos/a/b") == "once");
  CHECK(file_class(rules, "photos") == "auto");  // a file of that name
}

TEST_CASE("an ignored folder is looked into only for a later rule of another class") {
  auto below = [](std::string_view rules, std::string_view name) {
    return RuleScope::of_root(list(rules))->below(name);
  };
  CHECK_FALSE(below("ignore /a\n", "a")->may_hold_others());
  CHECK_FALSE(below("auto /a/b\nignore /a\n", "a")->may_hold_others());
  CHECK_FALSE(below("ignore /a\nauto /b/c\n", "a")->may_hold_others());
  CHECK_FALSE(below("ignore /a\nignore /a/b\n", "a")->may_hold_others());
  CHECK(below("ignore /a\nauto /a/b\n", "a")->may_hold_others());
  CHECK(below("ignore /a\nalways *.db\n", "a")->may_hold_others());
}

TEST_CASE("rules of a .track file count for what is below it, and after those of the set") {
  const auto root = RuleScope::of_root(list("ignore *.o\nignore /x/y\n"));
  const auto x = RuleScope::with(root->below("x"), list("auto *.o\nignore /y/z\n", "/s/x/.track"));
  CHECK(root->track_class("a.o", false) == TrackClass::kIgnore);
  CHECK(x->track_class("a.o", false) == TrackClass::kAuto);
  CHECK(x->track_class("y", true) == TrackClass::kIgnore);
  CHECK(x->below("y")->track_class("a.o", false) == TrackClass::kAuto);
  const auto found = x->below("y")->matching("z", true);
  REQUIRE(found.size() == 1);
  CHECK(found[0].list->file == "/s/x/.track");
  CHECK(found[0].rule->line == 2);
  CHECK(RuleScope::with(nullptr, list("# nothing\n\n")) == nullptr);
}

TEST_CASE("rules of nested .track files are bounded together") {
  auto lines = [](std::size_t count, const std::string& line) {
    std::string text;
    for (; count > 0; --count) text += line + "\n";
    return list(text, "/s/.track");
  };
  const auto refused = [](const std::shared_ptr<const RuleScope>& scope,
                          const std::shared_ptr<const RuleList>& rules) {
    try {
      RuleScope::with(scope, rules);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kReadFailed);
      CHECK(error.error_number() == 0);
      return true;
    }
    return false;
  };
  const auto most = lines(kMostRules, "ignore a");
  auto scope = RuleScope::of_root(list("once b\n"));
  for (int depth = 0; depth < 3; ++depth) scope = RuleScope::with(scope->below("d"), most);
  scope = scope->below("d");
  CHECK(refused(scope, most));
  CHECK_FALSE(refused(scope, lines(kMostRules - 1, "ignore a")));
  CHECK(scope->track_class("a", false) == TrackClass::kIgnore);

  const auto megabyte = lines(125, "ignore " + std::string(8000, 'a'));
  scope = nullptr;
  for (int depth = 0; depth < 4; ++depth) scope = RuleScope::with(scope, megabyte);
  CHECK(refused(scope, megabyte));
  CHECK_FALSE(refused(scope, list("ignore c\n")));
}

TEST_CASE("names with blanks, wildcards and any bytes can be written") {
  for (const std::string name :
       {"a b", "tab\there", "[x]", "*", "back\\slash", "\xff\xfe", "#a", "!b", "end\r"}) {
    const std::string rule = "ignore " + escaped_pattern(name) + "\r\n";
    INFO(rule);
    CHECK(file_class(rule, name) == "ignore");
    CHECK(file_class(rule, "x" + name) == "auto");
    CHECK(file_class(rule, "below/" + name) == "auto");
  }
}

TEST_CASE("what is no rule is refused, and says why") {
  CHECK(trouble("ignroe *.o").find("no class") != std::string::npos);
  CHECK(trouble("ignore").find("no pattern") != std::string::npos);
  CHECK(trouble("ignore !a").find("negation") != std::string::npos);
  CHECK(trouble("ignore a b").find("no attribute") != std::string::npos);
  CHECK(trouble("auto a extract=perhaps").find("no attribute") != std::string::npos);
  for (const char* rule :
       {"ignore [a", "ignore a//b", "ignore ../a", "ignore /", "ignore a\\", "ignore [[:x:]]"})
    CHECK_FALSE(trouble(rule).empty());
  CHECK_FALSE(trouble("ignore " + std::string(kMostRuleBytes, 'a')).empty());
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "/a";
  CHECK_FALSE(trouble("ignore " + deep).empty());
  CHECK(parse_rule("auto *.zip extract=no", 1).extract == Extract::kNo);
}

TEST_CASE("lines that are no rules are told by number, and the others count") {
  const RuleList rules = parse_track_file("/s/.track", "ignore a\nwhat\n# c\n\nonce b\nignore [\n");
  CHECK(rules.rules.size() == 2);
  REQUIRE(rules.bad.size() == 2);
  CHECK(rules.bad[0].line == 2);
  CHECK(rules.bad[1].line == 6);
  std::string many;
  for (std::size_t i = 0; i < kMostRules + 10; ++i) many += "ignore a\n";
  const RuleList bounded = parse_track_file("/s/.track", many);
  CHECK(bounded.rules.size() == kMostRules);
  CHECK(bounded.bad.size() == 1);
}

TEST_CASE("a pattern made to take long does not") {
  std::string stars;
  for (int i = 0; i < 120; ++i) stars += "*a";
  std::string folders;
  for (int i = 0; i < 25; ++i) folders += "/**/a";
  const std::string rules = "ignore " + stars + "b\nignore " + folders + "/b\n";
  std::string path;
  for (int i = 0; i < 200; ++i) path += "a/";
  path += std::string(250, 'a');
  const auto begin = std::chrono::steady_clock::now();
  CHECK(file_class(rules, path) == "auto");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("patterns mean what git takes them for") {
  if (std::system("git --version >/dev/null 2>&1") != 0) return testing::skip("git is not installed");
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  auto pick = [&](const std::vector<std::string>& from) { return from[random() % from.size()]; };

  testing::TemporaryFolder folder;
  const std::string root = folder.path("tree");
  std::map<std::string, bool> paths;  // is it a folder?
  const std::vector<std::string> names = {"a", "b", "ab", "a*", "ba"};
  auto grow = [&](auto& self, const std::string& below, int depth) -> void {
    make_folders_durably(root + "/" + below);
    for (const std::string& name : names) {
      const std::string path = below.empty() ? name : below + "/" + name;
      const bool is_folder = depth > 0 && name != "ba";
      paths[path] = is_folder;
      if (is_folder) {
        self(self, path, depth - 1);
      } else {
        testing::write_file(root + "/" + path, "");
      }
    }
  };
  grow(grow, "", 2);
  REQUIRE(std::system(("git init -q '" + root + "'").c_str()) == 0);
  std::string all;
  for (const auto& [path, is_folder] : paths) all += path + '\0';
  testing::write_file(folder.path("paths"), all);

  std::size_t compared = 0;
  for (int round = 0; round < 60; ++round) {
    std::string git;
    std::string rules;
    for (std::size_t count = 1 + random() % 3; count > 0; --count) {
      std::string pattern = pick({"", "/", "", "**/"});
      for (std::size_t part = 1 + random() % 3; part > 0; --part) {
        std::string name;
        do name += pick({"a", "b", "*", "?", "[ab]", "[!a]", "\\*", "[[:alpha:]]", "a*"});
        while (random() % 2 == 0);
        if (name.find("**") != std::string::npos || random() % 5 == 0) name = "**";
        pattern += name + (part > 1 ? "/" : pick({"", "", "/"}));
      }
      git += pattern + "\n";
      rules += "ignore " + pattern + "\n";
    }
    testing::write_file(root + "/.gitignore", git);
    const int status =
        std::system(("cd '" + root + "' && git -c core.excludesFile= check-ignore --no-index -z --stdin <'" +
                     folder.path("paths") + "' >'" + folder.path("ignored") + "'")
                        .c_str());
    REQUIRE((status == 0 || status == 256));
    std::set<std::string> ignored;
    const Bytes answer = read_file(folder.path("ignored"), 1u << 20);
    std::string_view rest = as_text(answer);
    while (!rest.empty()) {
      const std::size_t end = rest.find('\0');
      ignored.emplace(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    const auto scope = RuleScope::of_root(list(rules));
    for (const auto& [path, is_folder] : paths) {
      INFO(rules << path);
      CHECK((class_of(scope, path, is_folder) == TrackClass::kIgnore) == ignored.contains(path));
      ++compared;
    }
  }
  CHECK(compared > 1000);
}

}  // namespace garner::source
