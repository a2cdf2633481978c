#include "catalog/command_table.h"

#include <catch2/catch.hpp>

#include "support.h"

namespace garner::catalog {
namespace {

SetCommands some_commands() {
  SetCommands commands;
  commands.before = {"stop it", 0};
  commands.on_failure = {"start it", 1000};
  commands.sources = {{"b.sql", {"dump b", 7}}, {"a.sql", {"dump a", 7}}};
  commands.hook_limit = std::chrono::seconds(90);
  return commands;
}

struct WithCommands {
  WithCommands() : catalog(state.open()) {
    catalog.configuration().add_destination(facts_of("disk"));
    catalog.configuration().add_set(
        set, [this](Database& database) { CommandTable::replace(database, "home", some_commands()); });
  }
  StateFolder state;
  Catalog catalog;
  BackupSet set = set_of("home", "disk");
};

TEST_CASE("a set's commands are kept in their order, and go with it") {
  WithCommands with;
  CHECK(with.catalog.commands().find("home") == some_commands());
  CHECK(with.catalog.commands().find("other") == SetCommands());
  SetCommands fewer = some_commands();
  fewer.before.reset();
  fewer.after = {"start it", 0};
  fewer.sources.pop_back();
  fewer.source_limit = std::chrono::seconds(5);
  with.catalog.configuration().replace_set(
      with.set, [&](Database& database) { CommandTable::replace(database, "home", fewer); });
  CHECK(with.catalog.commands().find("home") == fewer);
  with.catalog.configuration().remove_set("home");
  CHECK(with.catalog.commands().find("home") == SetCommands());
}

TEST_CASE("how far a run has come with its commands is known to the next process") {
  StateFolder state;
  std::int64_t number = 0;
  {
    Catalog catalog = state.open();
    number = catalog.runs().add(backup_of("home"));
    CHECK_FALSE(catalog.run_hooks().find(number));
    catalog.run_hooks().save(number, {HookProgress::Stage::kBeforeBegun, "one"});
    catalog.run_hooks().save(number, {HookProgress::Stage::kBeforeDone, "two"});
  }
  Catalog catalog = state.open();
  const auto found = catalog.run_hooks().find(number);
  REQUIRE(found);
  CHECK(found->stage == HookProgress::Stage::kBeforeDone);
  CHECK(found->boot_id == "two");
  catalog.run_hooks().remove(number);
  CHECK_FALSE(catalog.run_hooks().find(number));
}

std::vector<RunLogLine> lines(std::uint64_t first, std::uint64_t count, const std::string& text) {
  std::vector<RunLogLine> all;
  for (std::uint64_t i = 0; i < count; ++i) all.push_back({first + i, {5, 6}, "before", text});
  return all;
}

TEST_CASE("a run's log keeps the last lines, within its bounds") {
  StateFolder state;
  Catalog catalog = state.open();
  const std::int64_t number = catalog.runs().add(backup_of("home"));
  RunLogTable& log = catalog.run_log();
  CHECK(log.last_number(number) == 0);
  log.append(number, lines(1, 700, "x"));
  CHECK(log.read(number).size() == 700);
  CHECK(log.read(number).front().text == "x");
  CHECK(log.read(number).front().origin == "before");
  log.append(number, lines(701, 700, "y"));
  CHECK(log.last_number(number) == 1400);
  REQUIRE(log.read(number).size() == kMaximumLogLines);
  CHECK(log.read(number).front().number == 401);
  // Few long lines weigh as much as many short ones.
  log.append(number, lines(1401, 20, std::string(20'000, 'z')));
  const auto kept = log.read(number);
  CHECK(kept.size() == kMaximumLogBytes / 20'000);
  CHECK(kept.back().number == 1420);
}

TEST_CASE("logs of the newest runs are kept") {
  StateFolder state;
  Catalog catalog = state.open();
  std::int64_t first = 0;
  std::int64_t last = 0;
  for (std::uint64_t i = 0; i <= kRunsWithLog; ++i) {
    last = catalog.runs().add(backup_of("home"));
    if (i == 0) first = last;
    catalog.run_log().append(last, lines(1, 2, "x"));
  }
  CHECK(catalog.run_log().read(first).empty());
  CHECK(catalog.run_log().read(first + 1).size() == 2);
  CHECK(catalog.run_log().read(last).size() == 2);
}

}  // namespace
}  // namespace garner::catalog
