#include "base/bytes.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "base/error.h"
#include "support/error_kind.h"

namespace garner {
namespace {

using testing::kind_of;

TEST_CASE("hexadecimal goes both ways") {
  CHECK(to_hex(Bytes{0x00, 0xff, 0x1a}) == "00ff1a");
  CHECK(from_hex("00fF1A") == Bytes{0x00, 0xff, 0x1a});
  CHECK(from_hex("").empty());
  CHECK(kind_of([] { from_hex("abc"); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] { from_hex("0g"); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] { from_hex("0x12"); }) == ErrorKind::kInvalidInput);
  REQUIRE(rc::check("from_hex reads to_hex",
                    [](const Bytes& bytes) { RC_ASSERT(from_hex(to_hex(bytes)) == bytes); }));
}

TEST_CASE("what is printed is read back") {
  CHECK(from_printable("a\\x0ab\\xFF") == "a\nb\xff");
  CHECK(from_printable("Übergröße") == "Übergröße");
  for (const char* bad : {"\\", "\\x", "\\x1", "a\\n", "\\xg0", "\\x 1"}) {
    INFO(bad);
    CHECK(kind_of([&] { from_printable(bad); }) == ErrorKind::kInvalidInput);
  }
  REQUIRE(rc::check("from_printable reads printable",
                    [](const std::string& bytes) { RC_ASSERT(from_printable(printable(bytes)) == bytes); }));
}

TEST_CASE("names are printed on one line, unambiguously") {
  CHECK(printable("plain name.txt") == "plain name.txt");
  CHECK(printable("Übergröße 日本 🗻") == "Übergröße 日本 🗻");
  CHECK(printable("a\nb\x1b[2J\x7f") == "a\\x0ab\\x1b[2J\\x7f");
  CHECK(printable("back\\slash") == "back\\x5cslash");
  CHECK(printable(std::string_view("nul\0", 4)) == "nul\\x00");
  CHECK(printable("latin \xfc") == "latin \\xfc");
  CHECK(printable("cut \xe6\x97") == "cut \\xe6\\x97");
  CHECK(printable("overlong \xc0\xaf") == "overlong \\xc0\\xaf");
  CHECK(printable("surrogate \xed\xa0\x80") == "surrogate \\xed\\xa0\\x80");
  CHECK(printable("beyond \xf4\x90\x80\x80") == "beyond \\xf4\\x90\\x80\\x80");
  CHECK(printable("c1 \xc2\x85") == "c1 \\xc2\\x85");
  CHECK(printable("turned \xe2\x80\xae") == "turned \\xe2\\x80\\xae");
}

TEST_CASE("well-formed UTF-8 is told from other bytes") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("Übergröße 日本 🗻\n"));
  for (const char* bytes :
       {"latin \xfc", "\xe6\x97", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    CHECK_FALSE(is_utf8(bytes));
  }
}

// Undoes printable(): only an unambiguous text can be undone.
std::string unprinted(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      bytes.append(as_text(from_hex(text.substr(i + 2, 2))));
      i += 3;
    } else {
      bytes.push_back(text[i]);
    }
  }
  return bytes;
}

TEST_CASE("any bytes can be told from their printable form") {
  REQUIRE(rc::check("printable is unambiguous", [](const Bytes& bytes) {
    const std::string text = printable(as_text(bytes));
    RC_ASSERT(unprinted(text) == as_text(bytes));
    RC_ASSERT(text.find('\n') == std::string::npos);
  }));
}

TEST_CASE("sizes for people have a unit and at most four significant characters") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1024) == "1.0 KiB");
  CHECK(human_bytes(4509715661) == "4.2 GiB");
  CHECK(human_bytes((100 << 10) - 1) == "100 KiB");
  CHECK(human_bytes((1 << 20) - 1) == "1.0 MiB");
  CHECK(human_bytes(1000ull << 20) == "1000 MiB");
  CHECK(human_bytes(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
  REQUIRE(rc::check("four characters", [](std::uint64_t bytes) {
    const std::string text = human_bytes(bytes);
    RC_ASSERT(text.find(' ') <= 4u);
  }));
}

TEST_CASE("integers and bytes are read as they were written") {
  ByteWriter writer;
  writer.u16(0x0102);
  CHECK(writer.data() == Bytes{0x02, 0x01});
  REQUIRE(rc::check("round trip",
                    [](std::uint8_t a, std::uint16_t b, std::uint32_t c, std::uint64_t d, const Bytes& e) {
                      ByteWriter out;
                      out.u8(a);
                      out.u16(b);
                      out.u32(c);
                      out.u64(d);
                      out.bytes(e);
                      const Bytes written = out.take();
                      ByteReader in(written);
                      RC_ASSERT(in.u8() == a);
                      RC_ASSERT(in.u16() == b);
                      RC_ASSERT(in.u32() == c);
                      RC_ASSERT(in.u64() == d);
                      const ByteView rest = in.bytes(e.size());
                      RC_ASSERT(Bytes(rest.begin(), rest.end()) == e);
                      RC_ASSERT(in.at_end());
                    }));
}

TEST_CASE("reading past the end is damage") {
  const Bytes seven(7);
  CHECK(kind_of([&] { ByteReader(seven).u64(); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { ByteReader(ByteView(seven).first(3)).u32(); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { ByteReader(ByteView(seven).first(1)).u16(); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { ByteReader(ByteView()).u8(); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { ByteReader(seven).bytes(8); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { ByteReader(seven).bytes(std::numeric_limits<std::size_t>::max()); }) ==
        ErrorKind::kDamaged);
}

}  // namespace
}  // namespace garner
