#include "command/output_lines.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace garner::command {
namespace {

std::vector<std::string> lines_of(const std::string& output, std::size_t part) {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
  for (std::size_t at = 0; at < output.size(); at += part) splitter.add(as_bytes(output.substr(at, part)));
  splitter.finish();
  return lines;
}

TEST_CASE("lines are the same however the output comes") {
  const std::string output = "one\n\ntwo\r\nthree \xff\nno end";
  for (std::size_t part = 1; part <= output.size(); ++part) {
    CHECK(lines_of(output, part) == std::vector<std::string>{"one", "", "two", "three \xff", "no end"});
  }
  CHECK(lines_of("", 1).empty());
  CHECK(lines_of("\n", 1) == std::vector<std::string>{""});
}

TEST_CASE("a line that is too long is told in parts") {
  const std::string longest(kLongestLine, 'x');
  for (const std::size_t part : {std::size_t{1}, std::size_t{1000}, kLongestLine, 3 * kLongestLine}) {
    CHECK(lines_of(longest + "\nshort\n", part) == std::vector<std::string>{longest, "short"});
    CHECK(lines_of(longest + longest + "y\n", part) == std::vector<std::string>{longest, longest, "y"});
  }
}

TEST_CASE("a message has the last lines, printable, and none that are blank") {
  LastLines last;
  CHECK(last.text().empty());
  for (const char* line : {"first", "second", " ", "third\x1b", "fourth"}) last.add(line);
  CHECK(last.text() == "second | third\\x1b | fourth");
}

}  // namespace
}  // namespace garner::command
