#include "source_path.h"

#include <catch2/catch.hpp>

namespace garner::client {
namespace {

TEST_CASE("a folder leads to paths below it") {
  CHECK(name_towards("/", "/home/ann") == "home");
  CHECK(name_towards("/home", "/home/ann") == "ann");
  CHECK(name_towards("/home", "/home/ann/letters") == "ann");
  CHECK(name_towards("/home/ann", "/home/ann").empty());
  CHECK(name_towards("/home/a", "/home/ann").empty());
  CHECK(name_towards("/", "/").empty());
  CHECK(name_towards("/", "mail").empty());
}

TEST_CASE("a path is in itself and in the folders above it") {
  CHECK(is_same_or_below("/home", "/"));
  CHECK(is_same_or_below("/", "/"));
  CHECK(is_same_or_below("/home/ann", "/home"));
  CHECK(is_same_or_below("/home/ann", "/home/ann"));
  CHECK_FALSE(is_same_or_below("/home", "/home/ann"));
  CHECK_FALSE(is_same_or_below("/homes", "/home"));
}

TEST_CASE("a path that the daemon made printable is bytes again") {
  CHECK(from_printable("/home/ann") == "/home/ann");
  CHECK(from_printable("/a\\xff\\x5cb") == "/a\xff\\b");
  CHECK(from_printable("/a\\x5cx41") == "/a\\x41");
  CHECK(from_printable("/a\\x5") == "/a\\x5");
  CHECK(from_printable("") == "");
}

}  // namespace
}  // namespace garner::client
