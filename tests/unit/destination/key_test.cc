#include "destination/key.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/error.h"

using namespace garner;
using namespace garner::destination;

TEST_CASE("keys are components of few characters with slashes between them") {
  for (const char* key : {"a", "garner.repo", "packs/0a/0123-9_z", "log/0000000000000001", "a.-_/b"}) {
    CAPTURE(key);
    CHECK_NOTHROW(check_key(key));
    CHECK_NOTHROW(check_prefix(std::string(key) + "/"));
    CHECK_THROWS_AS(check_prefix(key), Error);
  }
  for (const char* key :
       {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", ".a", "a/.b", "A", "a b", "a\tb", "\x7f"}) {
    CAPTURE(key);
    CHECK_THROWS_AS(check_key(key), Error);
    CHECK_THROWS_AS(check_prefix(std::string(key) + "//"), Error);
  }
  CHECK_NOTHROW(check_prefix(""));
}

TEST_CASE("keys and their components have a greatest length") {
  CHECK(is_key_component(std::string(255, 'a')));
  CHECK_FALSE(is_key_component(std::string(256, 'a')));
  std::string key;
  for (int at = 0; at < 5; ++at) key.append(200, 'a').append("/");
  key.append(kMaximumKeyLength - key.size(), 'd');
  CHECK_NOTHROW(check_key(key));
  CHECK_THROWS_AS(check_key(key + "d"), Error);
}
