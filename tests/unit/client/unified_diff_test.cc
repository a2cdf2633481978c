#include "unified_diff.h"

#include <catch2/catch.hpp>
#include <string>

namespace garner::client {
namespace {

TEST_CASE("two texts differ as diff -u tells it, under their labels") {
  CHECK(unified_diff({"a (version 2)", "one\ntwo\nthree\n"}, {"a (version 1)", "one\n2\nthree\n"}) ==
        "--- a (version 2)\n+++ a (version 1)\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
  CHECK(unified_diff({"a", "same\n"}, {"b", "same\n"}).empty());
  CHECK(unified_diff({"--help", ""}, {"-", "x"}) ==
        "--- --help\n+++ -\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n");
}

TEST_CASE("more than a pipe holds comes whole") {
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += std::to_string(i) + '\n';
  const std::string text = unified_diff({"a", ""}, {"b", many});
  CHECK(text.size() > many.size());
  CHECK(text.ends_with("+199999\n"));
}

TEST_CASE("a NUL byte is what makes content binary") {
  CHECK_FALSE(is_binary(""));
  CHECK_FALSE(is_binary("text\n\xff"));
  CHECK(is_binary(std::string("a\0b", 3)));
}

TEST_CASE("what would act on a terminal is escaped, but for lines and tabs") {
  CHECK(for_terminal("+a\tb\n-\x1b[2J\r\n") == "+a\tb\n-\\x1b[2J\\x0d\n");
  CHECK(for_terminal("no end") == "no end");
  CHECK(for_terminal("").empty());
}

}  // namespace
}  // namespace garner::client
