#include <catch2/catch.hpp>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

TEST_CASE("a set's retention outlives the process, changes of the set, and not the set") {
  StateFolder state;
  const SetRetention retention{Bytes{1, 2, 3}, {{"usb", Bytes{4}}, {"disk", Bytes{5, 6}}}};
  const auto save = [](Catalog& catalog, const BackupSet& set, const SetRetention& kept) {
    catalog.configuration().replace_set(
        set, [&](Database& database) { RetentionTable::replace(database, set.definition.name(), kept); });
  };
  {
    Catalog catalog = state.open();
    catalog.configuration().add_destination(facts_of("disk"));
    catalog.configuration().add_set(set_of("home", "disk"));
    CHECK(catalog.retention().find("home") == SetRetention());
    save(catalog, *catalog.configuration().set("home"), retention);
  }
  Catalog catalog = state.open();
  CHECK(catalog.retention().find("home") == retention);
  BackupSet set = *catalog.configuration().set("home");
  set.definition.add_sources("/etc");
  catalog.configuration().replace_set(set);
  CHECK(catalog.retention().find("home") == retention);
  const SetRetention less{std::nullopt, {{"usb", Bytes{7}}}};
  save(catalog, set, less);
  CHECK(catalog.retention().find("home") == less);
  catalog.configuration().remove_set("home");
  CHECK(catalog.retention().find("home") == SetRetention());
  catalog.configuration().add_set(set_of("home", "disk"));
  CHECK(catalog.retention().find("home") == SetRetention());
}

}  // namespace
}  // namespace garner::catalog
