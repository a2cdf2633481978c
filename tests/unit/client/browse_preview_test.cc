#include "browse/preview.h"

#include <catch2/catch.hpp>
#include <clocale>
#include <string>
#include <vector>

#include "text.h"

namespace garner::client::browse {
namespace {

using Lines = std::vector<std::string>;

Lines preview_lines(const std::string& content, std::size_t width = 80, bool is_all = true) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  return Preview(content, is_all).lines(width);
}

TEST_CASE("text is shown line by line") {
  CHECK(preview_lines("one\ntwo\r\n\nfour") == Lines{"one", "two", "", "four"});
  CHECK(preview_lines("\n") == Lines{""});
  CHECK(preview_lines("") == Lines{"(empty)"});
}

TEST_CASE("tabs end where a terminal has them, also behind wide characters") {
  CHECK(preview_lines("a\tb\t\tc") == Lines{"a       b               c"});
  CHECK(preview_lines("日本\tx") == Lines{"日本    x"});
}

TEST_CASE("nothing in a file acts on the terminal") {
  const Lines lines = preview_lines("before\x1b[2Jafter\n\xe2\x80\xaeright to left\na latin \xe9 in between");
  CHECK(lines[0] == "before\\x1b[2Jafter");
  CHECK(lines[1] == "\\xe2\\x80\\xaeright to left");
  CHECK(lines[2] == "a latin \\xe9 in between");
}

TEST_CASE("a line that is too wide goes on in the next") {
  CHECK(preview_lines("0123456789012345678901234", 20) == Lines{"01234567890123456789", "01234"});
  std::string wide(100, 'x');
  wide.append("日本語日本語日本語日本語");
  for (const std::string& line : preview_lines(wide, 21)) CHECK(display_width(line) <= 21);
}

TEST_CASE("what is no text is shown as bytes") {
  const Lines lines =
      preview_lines(std::string("\x7f"
                                "ELF\0\x01",
                                6));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].find("no text") != std::string::npos);
  CHECK(lines[2].starts_with("000000  7f 45 4c 46 00 01 "));
  CHECK(lines[2].ends_with("  .ELF.."));
  CHECK_FALSE(Preview(std::string(200, '\xff'), true).is_text());
  CHECK(preview_lines(std::string(100'000, '\0')).back() == "(the first 4.0 KiB of it)");
}

TEST_CASE("a character that is cut off at the end of what was read makes no text binary") {
  std::string text;
  while (text.size() < 1000) text += "\xe6\x97\xa5";
  text.resize(1000);
  REQUIRE_FALSE(is_utf8(text));
  const Lines lines = preview_lines(text, 80, false);
  CHECK(lines[0].starts_with("日日"));
  CHECK(lines.back() == "(the first 999 B of it)");
  for (const std::string& line : lines) CHECK(line.find("\\x") == std::string::npos);
}

}  // namespace
}  // namespace garner::client::browse
