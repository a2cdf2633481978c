#include "pager.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

namespace garner::client {
namespace {

std::optional<std::string> chosen(const std::map<std::string, std::string>& variables) {
  return choose_pager([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST_CASE("the pager is the user's, and the one for garner comes first") {
  CHECK(chosen({{"PAGER", "more -d"}}) == "more -d");
  CHECK(chosen({{"GARNER_PAGER", "less -S"}, {"PAGER", "more"}}) == "less -S");
  REQUIRE(chosen({}).has_value());
  CHECK(chosen({})->find("less") != std::string::npos);
}

TEST_CASE("an empty pager is none, and so is cat") {
  CHECK_FALSE(chosen({{"PAGER", ""}}));
  CHECK_FALSE(chosen({{"PAGER", "cat"}}));
  CHECK_FALSE(chosen({{"PAGER", " "}}));
  CHECK_FALSE(chosen({{"GARNER_PAGER", ""}, {"PAGER", "more"}}));
  CHECK(chosen({{"GARNER_PAGER", "more"}, {"PAGER", "cat"}}) == "more");
  CHECK(chosen({{"PAGER", "cat -v"}}) == "cat -v");
}

}  // namespace
}  // namespace garner::client
