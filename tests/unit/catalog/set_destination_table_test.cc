#include "catalog/set_destination_table.h"

#include <catch2/catch.hpp>

#include "support.h"

namespace garner::catalog {
namespace {

crypto::BlobId id_of(std::uint8_t byte) {
  crypto::BlobId id;
  id.value.fill(byte);
  return id;
}

TEST_CASE("how the destinations of a set stand is kept, and goes with the set") {
  StateFolder state;
  Catalog catalog = state.open();
  catalog.configuration().add_destination(facts_of("disk"));
  catalog.configuration().add_set(set_of("home", "disk"));
  SetDestinationTable& table = catalog.set_destinations();
  CHECK(table.find("home").empty());

  table.mark_behind("home", "cloud", {100, 0}, "it was away");
  // Since the first time, and for the last reason.
  table.mark_behind("home", "cloud", {200, 0}, "it was full");
  table.mark_done("home", "disk", id_of(1), {150, 5});
  auto states = table.find("home");
  REQUIRE(states.size() == 2);
  CHECK(states["cloud"].behind_since == TimePoint{100, 0});
  CHECK(states["cloud"].reason == "it was full");
  CHECK_FALSE(states["cloud"].last_snapshot);
  CHECK(states["disk"].last_snapshot == id_of(1));
  CHECK(states["disk"].last_done == TimePoint{150, 5});
  CHECK_FALSE(states["disk"].behind_since);

  table.mark_behind("home", "disk", {90, 0}, "it was away");
  const auto behind = table.behind();
  REQUIRE(behind.size() == 2);
  CHECK(behind[0].destination == "disk");
  CHECK(behind[1].destination == "cloud");
  // What it was given last stays known, also when the set is changed.
  catalog.configuration().replace_set(*catalog.configuration().set("home"));
  CHECK(table.find("home")["disk"].last_snapshot == id_of(1));
  table.mark_done("home", "disk", id_of(2), {300, 0});
  CHECK(table.behind().size() == 1);

  catalog.configuration().change(
      [](Database& database) { SetDestinationTable::forget(database, "home", "cloud"); });
  CHECK(table.behind().empty());
  catalog.configuration().remove_set("home");
  CHECK(table.find("home").empty());
}

TEST_CASE("it outlives the process, as whether a run is over does") {
  StateFolder state;
  RunRow run = backup_of("home");
  {
    Catalog catalog = state.open();
    catalog.configuration().add_destination(facts_of("disk"));
    catalog.configuration().add_set(set_of("home", "disk"));
    catalog.set_destinations().mark_behind("home", "disk", {100, 7}, "it was away");
    run.number = catalog.runs().add(run);
    catalog.runs().save_report(run.number, Bytes{1, 2, 3});
    CHECK_FALSE(catalog.runs().is_over(run.uuid));
    CHECK_FALSE(catalog.runs().is_over(Uuid::random()));
    run = *catalog.runs().find(run.number);
    CHECK(run.report == Bytes{1, 2, 3});
    run.state = RunState::kFailed;
    catalog.runs().change(run);
  }
  Catalog catalog = state.open();
  CHECK(catalog.runs().is_over(run.uuid));
  REQUIRE(catalog.set_destinations().behind().size() == 1);
  CHECK(catalog.set_destinations().behind()[0].since == TimePoint{100, 7});
}

TEST_CASE("of a set that is gone nothing is noted") {
  StateFolder state;
  Catalog catalog = state.open();
  SetDestinationTable& table = catalog.set_destinations();
  table.mark_behind("gone", "disk", {100, 0}, "it was away");
  table.mark_done("gone", "disk", id_of(1), {100, 0});
  CHECK(table.behind().empty());
  CHECK(table.find("gone").empty());
}

}  // namespace
}  // namespace garner::catalog
