// Text for people: nothing acts on the terminal, and everything fits.
#include "text.h"

#include <google/protobuf/timestamp.pb.h>

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

#include "shown_text.h"

using namespace garner::client;

namespace {

bool holds_control_characters(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // C1 controls as UTF-8.
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

std::string any_text() {
  // Much of what is hard, mixed with any bytes.
  static const std::vector<std::string> kPieces{
      "a",       "/",     "é",        "漢字", "\x1b[31m", "\n",       "\xff", "\xc2\x9b", "\u202e",
      "e\u0301", "\\x41", "\xe6\xbc", " ",    "\x07",     "\xf4\x90", "🙂", "\t",       "\xed\xa0\x80"};
  std::string text;
  for (const auto index :
       *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, kPieces.size()))) {
    text += kPieces[index];
  }
  return text + *rc::gen::arbitrary<std::string>();
}

}  // namespace

TEST_CASE("what could act on a terminal is told from what only looks odd") {
  CHECK_FALSE(acts_on_terminal("héllo 漢字 🙂"));
  CHECK_FALSE(acts_on_terminal("l\xe9vres \xff"));
  for (const char* text : {"\x1b[2J", "a\nb", "\x7f", "\xc2\x9b[2J", "a\x9b[2J", "\u202e", "\xe6\x97"}) {
    INFO(text);
    CHECK(acts_on_terminal(text));
  }
  CHECK(rc::check("nothing that is printable does", [] { return !acts_on_terminal(printable(any_text())); }));
}

TEST_CASE("what could act on a terminal is shown as its bytes") {
  REQUIRE(kLocale);
  CHECK(printable("plain /path with blanks") == "plain /path with blanks");
  CHECK(printable("héllo 漢字 🙂") == "héllo 漢字 🙂");
  CHECK(printable("\x1b[2J") == "\\x1b[2J");
  CHECK(printable("a\nb\tc\r") == "a\\x0ab\\x09c\\x0d");
  CHECK(printable("\x7f") == "\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");
  CHECK(printable("exe.\u202egpj") == "exe.\\xe2\\x80\\xaegpj");
  CHECK(printable("a\u200bb") == "a\\xe2\\x80\\x8bb");
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  CHECK(printable("\xe6\xbc") == "\\xe6\\xbc");                    // torn
  CHECK(printable(std::string("a\0b", 3)) == "a\\x00b");
}

TEST_CASE("what the daemon has escaped stays as it is") {
  CHECK(printable("name\\x0a\\x5cend") == "name\\x0a\\x5cend");
}

TEST_CASE("printable text is UTF-8 without control characters, and printing it again changes nothing") {
  REQUIRE(rc::check([] {
    const std::string text = any_text();
    const std::string shown = printable(text);
    RC_ASSERT(!holds_control_characters(shown));
    RC_ASSERT(is_utf8(shown));
    RC_ASSERT(printable(shown) == shown);
  }));
}

TEST_CASE("JSON keeps its meaning while control characters are escaped") {
  CHECK(escape_for_json("{\"a\":\"b\"}") == "{\"a\":\"b\"}");
  CHECK(escape_for_json("\"\x7f\"") == "\"\\u007f\"");
  CHECK(escape_for_json("\"\u202e\"") == "\"\\u202e\"");
  CHECK(escape_for_json("\"\U000E0041\"") == "\"\\udb40\\udc41\"");
}

TEST_CASE("width counts columns") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("é") == 1);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("漢字") == 4);
}

TEST_CASE("cutting fits, and marks what is gone") {
  CHECK(cut_end("abcdef", 6, "…") == "abcdef");
  CHECK(cut_end("abcdef", 5, "…") == "abcd…");
  CHECK(cut_end("abcdef", 5, "...") == "ab...");
  CHECK(cut_end("abcdef", 2, "...") == "ab");
  CHECK(cut_end("漢字漢字", 6, "…") == "漢字…");
  CHECK(cut_middle("/usr/share/doc/name", 13, "…") == "/usr…doc/name");
  CHECK(cut_middle("short", 13, "…") == "short");
}

TEST_CASE("cut text never exceeds its width and stays UTF-8") {
  REQUIRE(rc::check([] {
    const std::string text = printable(any_text());
    const auto width = *rc::gen::inRange<std::size_t>(0, 40);
    for (const char* mark : {"…", "..."}) {
      for (const std::string& cut : {cut_end(text, width, mark), cut_middle(text, width, mark)}) {
        RC_ASSERT(display_width(cut) <= std::max(width, std::size_t{0}));
        RC_ASSERT(is_utf8(cut));
        if (display_width(text) <= width) RC_ASSERT(cut == text);
      }
    }
  }));
}

TEST_CASE("padding fills up to the width") {
  CHECK(pad_right("é", 3) == "é  ");
  CHECK(pad_left("é", 3) == "  é");
  CHECK(pad_left("long", 3) == "long");
}

TEST_CASE("wrapping breaks at blanks") {
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("a verylongword b", 6) == std::vector<std::string>{"a", "verylongword", "b"});
  CHECK(wrap("a  b c", 4) == std::vector<std::string>{"a  b", "c"});
  CHECK(wrap("  ", 6).empty());
  CHECK(wrap("", 6).empty());
}

TEST_CASE("sizes are in binary units") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1024) == "1.0 KiB");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes((1u << 20) - 1) == "1.0 MiB");
  CHECK(human_bytes(123u << 20) == "123 MiB");
  CHECK(human_bytes(5ull << 30) == "5.0 GiB");
  CHECK(human_bytes(UINT64_MAX) == "16.0 EiB");
}

TEST_CASE("counts and durations") {
  CHECK(human_count(0) == "0");
  CHECK(human_count(999) == "999");
  CHECK(human_count(1000) == "1,000");
  CHECK(human_count(1234567) == "1,234,567");
  CHECK(plural(1, "file", "files") == "1 file");
  CHECK(plural(0, "file", "files") == "0 files");
  CHECK(human_duration(7) == "0:07");
  CHECK(human_duration(754) == "12:34");
  CHECK(human_duration(3723) == "1:02:03");
  CHECK(human_duration(86400 * 3 + 4 * 3600 + 5 * 60) == "3 d 04:05");
}

TEST_CASE("a percentage says 100 only of all") {
  CHECK(percent(0, 0) == 0);
  CHECK(percent(5, 0) == 0);
  CHECK(percent(0, 10) == 0);
  CHECK(percent(1, 3) == 33);
  CHECK(percent(999999, 1000000) == 99);
  CHECK(percent(UINT64_MAX - 1, UINT64_MAX) == 99);
  CHECK(percent(10, 10) == 100);
  CHECK(percent(11, 10) == 100);
}

TEST_CASE("times are local, and one that is not set is a dash") {
  setenv("TZ", "UTC-2", 1);
  tzset();
  google::protobuf::Timestamp time;
  CHECK(local_time(time) == "-");
  time.set_seconds(1700000000);
  CHECK(local_time(time) == "2023-11-15 00:13:20");
  CHECK(local_minute(time) == "2023-11-15 00:13");
  time.set_seconds(-86400);
  CHECK(local_time(time) == "1969-12-31 02:00:00");
}
