#include "supply_rule.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace garner::daemon {
namespace {

using Names = std::vector<std::string>;

catalog::BackupSet set_of_three(const catalog::Supply& supply) {
  catalog::BackupSet set;
  set.destinations = {"a", "b", "c"};
  set.supply = supply;
  return set;
}

TEST_CASE("one that supplies does so for all others, and is supplied by none") {
  const catalog::BackupSet set = set_of_three({"a", false});
  CHECK(suppliers_of(set, {"b"}) == Names{"a"});
  CHECK(suppliers_of(set, {"b", "c"}) == Names{"a"});
  CHECK(suppliers_of(set, {"a"}).empty());
  // What is read for it serves the others.
  CHECK(suppliers_of(set, {"a", "b"}).empty());
}

TEST_CASE("both ways all that are not fed supply those that are") {
  const catalog::BackupSet set = set_of_three({"", true});
  CHECK(suppliers_of(set, {"b"}) == Names{"a", "c"});
  CHECK(suppliers_of(set, {"a"}) == Names{"b", "c"});
  CHECK(suppliers_of(set, {"a", "b", "c"}).empty());
}

TEST_CASE("nobody supplies unless the set says so") { CHECK(suppliers_of(set_of_three({}), {"b"}).empty()); }

TEST_CASE("supply that a set cannot have is refused, and the message says what to do") {
  const auto refused = [](const catalog::Supply& supply, const Names& destinations) -> std::string {
    try {
      check_supply(supply, destinations);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kInvalidInput);
      return error.what();
    }
    return "";
  };
  using Catch::Matchers::Contains;
  CHECK(refused({}, {"a"}).empty());
  CHECK(refused({"a", false}, {"a", "b"}).empty());
  CHECK(refused({"", true}, {"a", "b"}).empty());
  CHECK_THAT(refused({"x", false}, {"a", "b"}),
             Contains("'x'") && Contains("has: a, b") && Contains("--destination a b x"));
  CHECK_THAT(refused({"x", false}, {"a"}), Contains("--destination a x"));
  CHECK_THAT(refused({"a", false}, {"a"}), Contains("two destinations") && Contains("'a'"));
  CHECK_THAT(refused({"", true}, {"a"}), Contains("two destinations") && Contains("--no-supply"));
  CHECK_THAT(refused({"a", true}, {"a", "b"}), Contains("both ways"));
}

}  // namespace
}  // namespace garner::daemon
