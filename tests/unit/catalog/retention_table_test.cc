#include <catch2/catch.hpp>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

TEST_CASE("a set's retention outlives the process, changes of the set, and not the set") {
  StateFolder state;
  const Bytes policy{1, 2, 3};
  {
    Catalog catalog = state.open();
    catalog.configuration().add_destination(facts_of("disk"));
    catalog.configuration().add_set(set_of("home", "disk"));
    CHECK_FALSE(catalog.retention().find("home").has_value());
    catalog.retention().save("home", policy);
    CHECK_THROWS_AS(catalog.retention().save("other", policy), Error);
  }
  Catalog catalog = state.open();
  CHECK(catalog.retention().find("home") == policy);
  BackupSet set = *catalog.configuration().set("home");
  set.definition.add_sources("/etc");
  catalog.configuration().replace_set(set);
  CHECK(catalog.retention().find("home") == policy);
  catalog.retention().save("home", Bytes{4});
  CHECK(catalog.retention().find("home") == Bytes{4});
  catalog.configuration().remove_set("home");
  CHECK_FALSE(catalog.retention().find("home").has_value());
  catalog.configuration().add_set(set_of("home", "disk"));
  CHECK_FALSE(catalog.retention().find("home").has_value());
}

}  // namespace
}  // namespace garner::catalog
