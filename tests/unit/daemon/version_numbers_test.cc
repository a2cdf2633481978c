#include "version_numbers.h"

#include <catch2/catch.hpp>
#include <functional>

namespace garner::daemon {
namespace {

catalog::NodeFacts facts_with(const std::function<void(catalog::NodeFacts&)>& change = {}) {
  catalog::NodeFacts facts;
  facts.type = store::v1::NODE_TYPE_FILE;
  facts.mode = 0644;
  facts.size = 100;
  facts.content = 1;
  if (change) change(facts);
  return facts;
}

bool is_another(const std::function<void(catalog::NodeFacts&)>& change) {
  VersionNumbers numbers;
  const std::size_t before = numbers.number_of(facts_with(), "names");
  return numbers.number_of(facts_with(change), "names") != before;
}

TEST_CASE("versions differ in all that makes one, and in nothing else") {
  using Facts = catalog::NodeFacts;
  CHECK(is_another([](Facts& facts) { facts.mode = 0600; }));
  CHECK(is_another([](Facts& facts) { facts.uid = 5; }));
  CHECK(is_another([](Facts& facts) { facts.gid = 5; }));
  CHECK(is_another([](Facts& facts) { facts.mtime.seconds = 1; }));
  CHECK(is_another([](Facts& facts) { facts.mtime.nanos = 1; }));
  CHECK(is_another([](Facts& facts) { facts.size = 101; }));
  CHECK(is_another([](Facts& facts) { facts.content = 2; }));
  CHECK(is_another([](Facts& facts) { facts.content.reset(); }));
  CHECK(is_another([](Facts& facts) { facts.type = store::v1::NODE_TYPE_FIFO; }));
  CHECK_FALSE(is_another([](Facts& facts) { facts.user = "ann"; }));
  CHECK_FALSE(is_another([](Facts& facts) { facts.group = "users"; }));
  CHECK_FALSE(is_another([](Facts& facts) { facts.stale = true; }));
  CHECK_FALSE(is_another([](Facts& facts) { facts.inconsistent = true; }));
}

TEST_CASE(
    "under other names what is alike in all but content is the same version, as long as none is known") {
  VersionNumbers numbers;
  const auto number_of = [&](catalog::BlobPrefix content, const std::string& names) {
    return numbers.number_of(facts_with([&](catalog::NodeFacts& facts) { facts.content = content; }), names);
  };
  CHECK(number_of(1, "ours") == 0);
  CHECK(number_of(50, "theirs") == 0);  // its content there
  CHECK(number_of(2, "ours") == 1);
  CHECK(number_of(51, "theirs") == 1);  // not that of the first
  CHECK(number_of(50, "theirs") == 0);
  CHECK(number_of(52, "theirs") == 2);  // of neither
  CHECK(number_of(1, "ours") == 0);
}

}  // namespace
}  // namespace garner::daemon
