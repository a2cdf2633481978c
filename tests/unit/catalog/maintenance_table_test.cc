#include "catalog/maintenance_table.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

using schedule::Duration;
using schedule::Instant;
using schedule::Mark;

const Mark kMark{at(1000), at(1001), Duration(5), "boot", true, at(900)};

struct WithSettings {
  WithSettings() : catalog(state.open()), table(catalog.maintenance()) {
    catalog.configuration().add_destination(facts_of("disk"));
  }
  void save_last_prune(std::int64_t run) {
    catalog.configuration().change([&](Database& database) {
      MaintenanceTable::write_last_run(database, "disk", MaintenanceKind::kPrune, run);
    });
  }
  StateFolder state;
  Catalog catalog;
  MaintenanceTable& table;
};

TEST_CASE("a destination that nothing was said of is pruned weekly and checked daily") {
  WithSettings with;
  CHECK(with.table.settings("disk") == MaintenanceSettings());
  CHECK(with.table.settings("disk").prune == "weekly");
  CHECK(with.table.settings("disk").check == "daily");
  CHECK(with.table.settings("disk").check_period == std::chrono::hours(720));
}

TEST_CASE("settings are read as they were written, and go with their destination") {
  WithSettings with;
  const MaintenanceSettings settings{"", "every 6h", std::chrono::hours(48), at(77)};
  with.table.save("disk", settings);
  CHECK(with.table.settings("disk") == settings);
  with.table.save_mark("disk", MaintenanceKind::kCheck, kMark);
  with.save_last_prune(12);
  CHECK(with.table.last_run("disk", MaintenanceKind::kPrune) == 12);
  CHECK_FALSE(with.table.last_run("disk", MaintenanceKind::kCheck).has_value());
  with.catalog.configuration().remove_destination("disk");
  CHECK(with.table.settings("disk") == MaintenanceSettings());
  CHECK(with.table.marks("disk").empty());
  CHECK_FALSE(with.table.last_run("disk", MaintenanceKind::kPrune).has_value());
  // Of what is not there nothing is kept, and it is no error: it may have gone a moment ago.
  with.table.save("disk", settings);
  with.table.save_mark("disk", MaintenanceKind::kCheck, kMark);
  with.save_last_prune(12);
  CHECK(with.table.marks("disk").empty());
}

TEST_CASE("a mark goes when its schedule changes, and stays otherwise") {
  WithSettings with;
  with.table.save_mark("disk", MaintenanceKind::kPrune, kMark);
  with.table.save_mark("disk", MaintenanceKind::kCheck, kMark);
  MaintenanceSettings settings;
  settings.prune = "monthly";
  settings.check_period = std::chrono::hours(24);
  with.table.save("disk", settings);
  CHECK(with.table.marks("disk") == MaintenanceMarks{{MaintenanceKind::kCheck, kMark}});
}

TEST_CASE("a run of maintenance and its mark are there together, or neither") {
  WithSettings with;
  const auto also = [&](Database& database) {
    MaintenanceTable::write_mark(database, "disk", MaintenanceKind::kPrune, kMark);
  };
  CHECK_THROWS_AS(with.catalog.runs().add(backup_of(""),
                                          [&](Database& database) {
                                            also(database);
                                            throw Error(ErrorKind::kCancelled, "power lost");
                                          }),
                  Error);
  CHECK(with.table.marks("disk").empty());
  with.catalog.runs().add(backup_of(""), also);
  CHECK(with.table.marks("disk") == MaintenanceMarks{{MaintenanceKind::kPrune, kMark}});
}

TEST_CASE("a run that ended before is no destination's last one, however late it is noted") {
  WithSettings with;
  std::vector<RunRow> runs{backup_of(""), backup_of(""), backup_of("")};
  for (RunRow& run : runs) run.number = with.catalog.runs().add(run);
  const auto last_after = [&](RunRow& run, std::int64_t finished) {
    run.finished = TimePoint{finished, 0};
    with.catalog.runs().change(run, [&](Database& database) {
      MaintenanceTable::write_last_run(database, "disk", MaintenanceKind::kPrune, run.number);
    });
    return with.table.last_run("disk", MaintenanceKind::kPrune);
  };
  CHECK(last_after(runs[1], 50) == runs[1].number);
  CHECK(last_after(runs[0], 40) == runs[1].number);
  CHECK(last_after(runs[0], 60) == runs[0].number);  // it had made way for the other
  CHECK(last_after(runs[2], 30) == runs[2].number);  // the clock was set back
}

TEST_CASE("changes within a change are made with it, or not at all") {
  WithSettings with;
  Configuration& configuration = with.catalog.configuration();
  const auto change = [&] {
    configuration.add_set(set_of("home", "disk"));
    with.table.save_mark("disk", MaintenanceKind::kPrune, kMark);
    with.catalog.secrets().save("disk", {"password-file", "/root/p", true});
  };
  CHECK_THROWS_AS(configuration.change([&](Database&) {
    change();
    CHECK(configuration.sets().size() == 1);
    throw Error(ErrorKind::kCancelled, "power lost");
  }),
                  Error);
  CHECK(configuration.sets().empty());
  CHECK(with.table.marks("disk").empty());
  CHECK_FALSE(with.catalog.secrets().find("disk").has_value());
  configuration.change([&](Database&) { change(); });
  CHECK(configuration.sets().size() == 1);
  CHECK(with.catalog.secrets().find("disk") == SecretReference{"password-file", "/root/p", true});
  with.catalog.secrets().save("disk", {});
  CHECK_FALSE(with.catalog.secrets().find("disk").has_value());
  // And later changes are again their own.
  CHECK_THROWS_AS(configuration.add_set(set_of("home", "disk")), Error);
  configuration.add_set(set_of("other", "disk"));
  CHECK(configuration.sets().size() == 2);
}

}  // namespace
}  // namespace garner::catalog
