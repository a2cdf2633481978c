#include "catalog/schedule_table.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

using schedule::Duration;
using schedule::Instant;
using schedule::Mark;

const Mark kFresh{at(1000), at(1000), Duration(5), "boot", false, {}};

SetSchedule some_schedule() {
  SetSchedule schedule;
  schedule.entries = {{"", "daily", at(7)}, {"disk", "every 6h", at(8)}};
  schedule.zone = "Europe/Berlin";
  schedule.random_delay = std::chrono::minutes(5);
  schedule.windows = {"22:00-06:00", "Sat 00:00-24:00"};
  schedule.conditions = {{"on-ac-power", 0}, {"command:true", 1000}};
  schedule.overdue_after = std::chrono::hours(48);
  schedule.overdue_since = at(9);
  return schedule;
}

struct WithSchedule {
  WithSchedule() : catalog(state.open()) {
    catalog.configuration().add_destination(facts_of("disk"));
    catalog.configuration().add_set(set, [this](Database& database) {
      ScheduleTable::replace(database, "home", some_schedule(), kFresh);
    });
  }
  void replace(const SetSchedule& schedule, const Mark& fresh) {
    catalog.configuration().replace_set(
        set, [&](Database& database) { ScheduleTable::replace(database, "home", schedule, fresh); });
  }

  StateFolder state;
  Catalog catalog;
  BackupSet set = set_of("home", "disk");
};

TEST_CASE("a schedule is read as it was written, and goes with its set") {
  WithSchedule with;
  CHECK(with.catalog.schedules().find("home") == some_schedule());
  CHECK_FALSE(with.catalog.schedules().find("other").has_value());
  CHECK(with.catalog.schedules().marks("home") == ScheduleMarks{{"", kFresh}, {"disk", kFresh}});
  with.catalog.configuration().remove_set("home");
  CHECK_FALSE(with.catalog.schedules().find("home").has_value());
  CHECK(with.catalog.schedules().marks("home").empty());
}

TEST_CASE("marks stay with entries that stay, and begin anew with those that change") {
  WithSchedule with;
  Mark served{at(2000), at(2001), Duration(6), "boot", true, at(3000)};
  with.catalog.schedules().save_mark("home", "", served);
  with.catalog.schedules().save_mark("home", "disk", served);
  with.catalog.schedules().save_mark("home", "elsewhere", served);
  SetSchedule changed = some_schedule();
  changed.entries[1].text = "every 7h";
  changed.windows.clear();
  const Mark fresh{at(4000), at(4000), Duration(7), "boot", false, {}};
  with.replace(changed, fresh);
  CHECK(with.catalog.schedules().find("home") == changed);
  CHECK(with.catalog.schedules().marks("home") == ScheduleMarks{{"", served}, {"disk", fresh}});
  changed.entries.erase(changed.entries.begin());
  with.replace(changed, fresh);
  CHECK(with.catalog.schedules().marks("home") == ScheduleMarks{{"disk", fresh}});
  // The same words in another zone are other times.
  changed.zone = "UTC";
  const Mark later{at(5000), at(5000), Duration(8), "boot", false, {}};
  with.replace(changed, later);
  CHECK(with.catalog.schedules().marks("home") == ScheduleMarks{{"disk", later}});
}

TEST_CASE("a run and the mark that it serves are there together, or neither") {
  WithSchedule with;
  Mark served = kFresh;
  served.served = at(2000);
  const auto also = [&](Database& database) { ScheduleTable::write_mark(database, "home", "", served); };
  CHECK_THROWS_AS(with.catalog.runs().add(backup_of("home"),
                                          [&](Database& database) {
                                            also(database);
                                            throw Error(ErrorKind::kCancelled, "power lost");
                                          }),
                  Error);
  CHECK(with.catalog.schedules().marks("home").at("") == kFresh);
  CHECK(with.catalog.runs().unfinished().empty());
  const std::int64_t number = with.catalog.runs().add(backup_of("home"), also);
  CHECK(with.catalog.schedules().marks("home").at("") == served);
  CHECK(with.catalog.runs().find(number).has_value());
}

TEST_CASE("a catalog of before there were schedules is taken over") {
  StateFolder state;
  {
    Database database(state.file());
    make_old_catalog(database, 1);
    const DestinationFacts facts = facts_of("disk");
    database
        .prepare("INSERT INTO destinations VALUES (?, ?, ?, 1, ?, 0)", facts.name, facts.url,
                 facts.repository.view(), facts.keyring.view())
        .run();
    const BackupSet set = set_of("home", "disk");
    database
        .prepare("INSERT INTO sets VALUES (?, ?, ?)", set.definition.name(), as_bytes(set.definition.uuid()),
                 as_bytes(set.definition.SerializeAsString()))
        .run();
    database.execute("INSERT INTO set_destinations VALUES ('home', 0, 'disk')");
  }
  Catalog catalog = state.open();
  CHECK_FALSE(catalog.rebuilt().has_value());
  CHECK(catalog.configuration().sets().size() == 1);
  CHECK_FALSE(catalog.schedules().find("home").has_value());
}

TEST_CASE("a destination's file system is remembered until it is removed") {
  WithSchedule with;
  CHECK(with.catalog.schedules().file_system("disk").empty());
  with.catalog.schedules().save_file_system("disk", "1234-ABCD");
  with.catalog.schedules().save_file_system("nowhere", "1234-ABCD");
  CHECK(with.catalog.schedules().file_system("disk") == "1234-ABCD");
  CHECK(with.catalog.schedules().file_system("nowhere").empty());
}

}  // namespace
}  // namespace garner::catalog
