#include "config_file.h"

#include <catch2/catch.hpp>

namespace garner::daemon {
namespace {

using Texts = std::vector<std::string>;

std::vector<ConfigSection> read(const std::string& text, std::vector<Problem>& problems) {
  return read_config(text, {"destination", "set"}, problems);
}

TEST_CASE("sections are read in the order of the file, with places") {
  std::vector<Problem> problems;
  const auto sections = read(
      "[set.home]\n"
      "source = [\"/home\",\n"
      "          '/srv']\n"
      "one-file-system = true\n"
      "\n"
      "[destination.\"my.disk\"]\n"
      "url = \"/mnt/disk\"\n"
      "keep = 7\n",
      problems);
  CHECK(problems.empty());
  REQUIRE(sections.size() == 2);
  CHECK(sections[0].kind == "set");
  CHECK(sections[0].name == "home");
  CHECK(sections[0].place.line == 1);
  REQUIRE(sections[0].values.size() == 2);
  CHECK(sections[0].values[0].value == ConfigValue(Texts{"/home", "/srv"}));
  CHECK(sections[0].values[0].elements == std::vector<Place>{{2, 11}, {3, 11}});
  CHECK(sections[0].values[1].value == ConfigValue(true));
  CHECK(sections[0].place_of("one-file-system") == Place{4, 19});
  CHECK(sections[0].place_of("when") == sections[0].place);
  CHECK(sections[1].name == "my.disk");
  CHECK(sections[1].values[1].value == ConfigValue(std::int64_t{7}));
}

TEST_CASE("what cannot be read is told with its place, all of it together") {
  std::vector<Problem> problems;
  read(
      "wrong = 1\n"
      "[sets.home]\n"
      "[set.home]\n"
      "source = [\"/a\", 3]\n"
      "when = 1.5\n"
      "[set.home.schedule]\n"
      "disk = \"daily\"\n"
      "[set]\n"
      "mail = \"/var/mail\"\n",
      problems);
  std::vector<std::pair<Place, std::string>> found;
  for (const Problem& problem : problems) found.emplace_back(problem.place, problem.message);
  const auto told = [&](Place place, const std::string& part) {
    return std::any_of(found.begin(), found.end(), [&](const auto& one) {
      return one.first == place && one.second.find(part) != std::string::npos;
    });
  };
  INFO([&] {
    std::string all;
    for (const auto& [place, message] : found)
      all += std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + message + "\n";
    return all;
  }());
  CHECK(told({1, 1}, "there is no section 'wrong'; there are [destination.NAME], [set.NAME]"));
  CHECK(told({2, 2}, "there is no section 'sets'"));
  CHECK(told({4, 17}, "a text is expected"));
  CHECK(told({5, 8}, "the value of 'when'"));
  CHECK(told({9, 1}, "[set.NAME]"));
  CHECK(found.size() == 6);
}

TEST_CASE("TOML that is none, and names that come twice, are told with their place") {
  for (const auto& [text, line] : std::vector<std::pair<std::string, std::uint32_t>>{
           {"[set.home\n", 1},
           {"[set.home]\nsource = /home\n", 2},
           {"[set.home]\nsource = \"/home\n", 2},
           {"[set.home]\n[set.home]\n", 2},
           {"[set.home]\nsource = \"/a\"\nsource = \"/b\"\n", 3}}) {
    INFO(text);
    std::vector<Problem> problems;
    CHECK(read(text, problems).empty());
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place.line == line);
    CHECK(problems[0].place.column > 0);
    CHECK_FALSE(problems[0].message.empty());
  }
}

TEST_CASE("what is written is read back") {
  const ConfigValues values{{"text", std::string("a \"quoted\" \\ \n\t\x7f ü")},
                            {"flag", true},
                            {"number", std::int64_t{42}},
                            {"one", Texts{"/a"}},
                            {"list", Texts{"a, b", "c]\""}},
                            {"none", Texts{}}};
  std::vector<Problem> problems;
  const std::string text = to_toml("set", "my.set", values, "# a comment\n");
  INFO(text);
  const auto sections = read(text, problems);
  REQUIRE(problems.empty());
  REQUIRE(sections.size() == 1);
  CHECK(sections[0].name == "my.set");
  REQUIRE(sections[0].values.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(sections[0].values[i].key == values[i].first);
    if (values[i].first == "one") {
      CHECK(sections[0].values[i].value == ConfigValue(std::string("/a")));
    } else {
      CHECK(sections[0].values[i].value == values[i].second);
    }
  }
  CHECK(to_toml("set", "home", {}, "") == "[set.home]\n");
}

}  // namespace
}  // namespace garner::daemon
