#include "source/pattern.h"

#include <catch2/catch.hpp>

namespace garner::source {
namespace {

bool is_match(const char* pattern, const char* name, bool ignore_case) {
  const Pattern compiled(pattern, ignore_case);
  return compiled.is_match(compiled.step(compiled.start(), name));
}

TEST_CASE("a pattern ignores the case of ASCII's letters where it is told to") {
  for (const char* name : {"Letter.TXT", "letter.txt"}) {
    CHECK(is_match("*.txt", name, true));
    CHECK(is_match("LETTER.*", name, true));
    CHECK(is_match("[K-M]etter.txt", name, true));
    CHECK(is_match("[[:upper:]]etter.txt", name, true));
    CHECK_FALSE(is_match("[!L]etter.txt", name, true));
    CHECK_FALSE(is_match("lettér.txt", name, true));
  }
  CHECK_FALSE(is_match("*.txt", "Letter.TXT", false));
  CHECK_FALSE(is_match("[K-M]etter.txt", "letter.txt", false));
  CHECK_FALSE(is_match("\xc3\x84", "\xc3\xa4", true));
  CHECK_FALSE(is_match("[@[]", "`", true));
}

}  // namespace
}  // namespace garner::source
