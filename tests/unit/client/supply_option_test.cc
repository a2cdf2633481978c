#include "supply_option.h"

#include <catch2/catch.hpp>

#include "failure.h"

namespace garner::client {
namespace {

// The options with values as the command line would set them.
struct GivenSupply {
  explicit GivenSupply(bool edit = true) { supply.add_to(options, edit); }
  void set(const std::string& name, const std::string& value) {
    for (Option& option : options) {
      if (option.names != name) continue;
      if (bool** const flag = std::get_if<bool*>(&option.target)) {
        **flag = true;
      } else {
        *std::get<std::optional<std::string>*>(option.target) = value;
      }
    }
  }
  SupplyOptions supply;
  std::vector<Option> options;
};

TEST_CASE("supply is sent when it is given, from one destination, both ways, or none") {
  CHECK_FALSE(GivenSupply().supply.change());
  CHECK(GivenSupply(/*edit=*/false).options.size() == 2);
  GivenSupply from;
  from.set("--supply-from", "disk");
  REQUIRE(from.supply.change());
  CHECK(from.supply.change()->from() == "disk");
  CHECK_FALSE(from.supply.change()->both_ways());
  CHECK(supply_text(*from.supply.change()) == "from disk");
  GivenSupply both;
  both.set("--supply", "both-ways");
  REQUIRE(both.supply.change());
  CHECK(both.supply.change()->both_ways());
  CHECK(both.supply.change()->from().empty());
  CHECK(supply_text(*both.supply.change()) == "both ways");
  GivenSupply none;
  none.set("--no-supply", "");
  REQUIRE(none.supply.change());
  CHECK(none.supply.change()->ByteSizeLong() == 0);
  CHECK(supply_text(*none.supply.change()).empty());
}

TEST_CASE("supply that is none, or is given twice, is refused before anything is sent") {
  for (const char* bad : {"", "disk", "both", "none"}) {
    INFO(bad);
    GivenSupply given;
    given.set("--supply", bad);
    CHECK_THROWS_AS(given.supply.change(), Failure);
  }
  GivenSupply name;
  name.set("--supply-from", "a/b");
  CHECK_THROWS_AS(name.supply.change(), Failure);
  for (const auto& [one, other] :
       {std::pair("--supply-from", "--supply"), std::pair("--supply-from", "--no-supply"),
        std::pair("--supply", "--no-supply")}) {
    INFO(one << ' ' << other);
    GivenSupply given;
    given.set(one, "both-ways");
    given.set(other, "both-ways");
    CHECK_THROWS_AS(given.supply.change(), Failure);
  }
}

}  // namespace
}  // namespace garner::client
