// Tables fit a terminal, and are whole elsewhere.
#include "table.h"

#include <catch2/catch.hpp>

#include "shown_text.h"
#include "text.h"

using namespace garner::client;

namespace {

Table sample_table() {
  Table table({{"NAME", false, Column::Cut::kEnd}, {"SIZE", true}, {"PATH", false, Column::Cut::kMiddle}});
  table.add({"home", "12", "/home/ann/very/long/path/to/something/that/does/not/fit/at/all"});
  table.add({"漢字", Cell("1,234", Style::kGood), "/x"});
  return table;
}

}  // namespace

TEST_CASE("headings stand above the rows that follow, and take no part in widths") {
  Table table({{"NAME"}});
  table.add({"a"});
  table.add({"b"});
  table.add({"c"});
  table.set_headings({{0, "November, which is long"}, {2, "October\n"}});
  CHECK(table.render(Terminal{}, 1) == " NAME\n November, which is long\n a\n b\n October\\x0a\n c\n");
}

TEST_CASE("a column may be there only if any row has something in it") {
  Table table({{"NAME"}, {.heading = "NOTE", .if_any = true}, {"SIZE"}});
  table.add({"a", "", ""});
  CHECK(table.render(Terminal{}) == "NAME  SIZE\na\n");
  table.add({"b", "new", "1"});
  CHECK(table.render(Terminal{}) == "NAME  NOTE  SIZE\na\nb     new   1\n");
}

TEST_CASE("off a terminal nothing is cut") {
  REQUIRE(kLocale);
  CHECK(sample_table().render(Terminal{}) ==
        "NAME   SIZE  PATH\n"
        "home     12  /home/ann/very/long/path/to/something/that/does/not/fit/at/all\n"
        "漢字  1,234  /x\n");
}

TEST_CASE("on a terminal every line fits") {
  for (const bool colour : {false, true}) {
    for (std::size_t width = 30; width < 90; ++width) {
      const Terminal terminal{.interactive = true, .colour = colour, .unicode = true, .width = width};
      for (const std::string& line : lines_of(sample_table().render(terminal, 2))) {
        CHECK(display_width(line) <= width);
        CHECK(line.starts_with("  "));
      }
    }
  }
}

TEST_CASE("numbers are never cut") {
  const Terminal terminal{.interactive = true, .colour = false, .unicode = true, .width = 10};
  CHECK(sample_table().render(terminal).find("1,234") != std::string::npos);
}

TEST_CASE("colours come only with a terminal that has them") {
  CHECK(sample_table().render(Terminal{}).find('\x1b') == std::string::npos);
  CHECK(sample_table()
            .render(Terminal{.interactive = true, .colour = false, .unicode = true, .width = 80})
            .find('\x1b') == std::string::npos);
  CHECK(sample_table()
            .render(Terminal{.interactive = true, .colour = true, .unicode = true, .width = 80})
            .find("\x1b[32m1,234\x1b[0m") != std::string::npos);
}

TEST_CASE("cells cannot act on the terminal") {
  Table table({{"NAME"}});
  table.add({"a\x1b[2Jb\n"});
  CHECK(table.render_rows(Terminal{}) == "a\\x1b[2Jb\\x0a\n");
}

TEST_CASE("what may be left out goes before anything is cut, the last first") {
  Table table({{"NAME", false, Column::Cut::kEnd},
               {"SIZE", true, Column::Cut::kNever, true},
               {"TIME"},
               {"NEW", true, Column::Cut::kNever, true}});
  table.add({"a-name-of-20-columns", "12", "18:30", "7"});
  const auto shown = [&](std::size_t width) {
    return table.render({.interactive = true, .colour = false, .unicode = true, .width = width});
  };
  CHECK(shown(80).find("NEW") != std::string::npos);
  CHECK(shown(37).find("NEW") == std::string::npos);
  CHECK(shown(37).find("SIZE") != std::string::npos);
  CHECK(shown(30) == "NAME                  TIME\na-name-of-20-columns  18:30\n");
  CHECK(shown(20) == "NAME           TIME\na-name-of-20…  18:30\n");
}

TEST_CASE("a column with nothing in it takes no room") {
  Table table({{"A"}, {""}, {"B"}});
  table.add({"1", "", "2"});
  CHECK(table.render(Terminal{}) == "A  B\n1  2\n");
}
