#include "command_edit.h"

#include "installation.h"
#include "run_log.h"

namespace garner::daemon {
namespace {

v1::CommandChange with_source(const std::string& name, const std::string& command = "true") {
  v1::CommandChange change;
  v1::CommandSource& source = *change.add_sources();
  source.set_name(name);
  source.set_command(command);
  return change;
}

ErrorKind refused(const v1::CommandChange& change) {
  return kind_of([&] { edited(catalog::SetCommands(), change, 0); });
}

TEST_CASE("what is not named stays, what is given belongs to whoever gives it") {
  v1::CommandChange change = with_source("shop.sql", "pg_dump shop");
  change.set_before("stop");
  change.set_hook_timeout_seconds(60);
  catalog::SetCommands commands = edited({}, change, 7);
  CHECK(commands.before == catalog::SetCommands::Command{"stop", 7});
  CHECK(commands.sources.at(0).command.user == 7);
  CHECK_FALSE(commands.after);
  v1::CommandChange later;
  later.set_after("start");
  commands = edited(commands, later, 8);
  CHECK(commands.before->user == 7);
  CHECK(commands.after->user == 8);
  CHECK(commands.sources.size() == 1);
  CHECK(commands.hook_limit == std::chrono::minutes(1));
  v1::CommandChange last;
  last.set_before("");
  last.set_no_sources(true);
  last.set_hook_timeout_seconds(0);
  commands = edited(commands, last, 8);
  CHECK_FALSE(commands.before);
  CHECK(commands.sources.empty());
  CHECK(commands.hook_limit == catalog::kDefaultHookLimit);
  CHECK(to_message(commands).after() == "start");
}

TEST_CASE("commands that make no sense are refused") {
  for (const char* name : {"", ".", "..", "a/b", "/a", "a\nb", "\xff"})
    CHECK(refused(with_source(name)) == ErrorKind::kInvalidInput);
  CHECK(refused(with_source(std::string(256, 'a'))) == ErrorKind::kInvalidInput);
  CHECK(refused(with_source("a", "")) == ErrorKind::kInvalidInput);
  CHECK(refused(with_source("a", std::string(17'000, 'x'))) == ErrorKind::kInvalidInput);
  CHECK(refused(with_source("a", std::string("x\0y", 3))) == ErrorKind::kInvalidInput);
  v1::CommandChange twice = with_source("a");
  *twice.add_sources() = twice.sources(0);
  CHECK(refused(twice) == ErrorKind::kInvalidInput);
  v1::CommandChange change;
  change.set_before(" ");
  CHECK(refused(change) == ErrorKind::kInvalidInput);
  change.set_before("true");
  change.set_hook_timeout_seconds(8ull * 24 * 3600);
  CHECK(refused(change) == ErrorKind::kInvalidInput);
}

TEST_CASE("a set may have commands alone, and needs something") {
  testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  v1::AddSetRequest request;
  request.set_name("shop");
  request.add_destinations("disk");
  CHECK(kind_of([&] { here.sets.add(request); }) == ErrorKind::kInvalidInput);
  *request.mutable_commands() = with_source("shop.sql");
  CHECK(here.sets.add(request).commands().sources(0).name() == "shop.sql");
  v1::EditSetRequest edit;
  edit.set_name("shop");
  edit.mutable_commands()->set_no_sources(true);
  CHECK(kind_of([&] { here.sets.edit(edit); }) == ErrorKind::kInvalidInput);
  CHECK(here.sets.describe(here.sets.get("shop")).commands().sources_size() == 1);
  edit.add_sources(folder.path());
  const v1::BackupSet set = here.sets.edit(edit);
  CHECK(set.commands().sources().empty());
  CHECK(set.sources_size() == 1);
}

TEST_CASE("no source may lie where the output of commands does") {
  const catalog::SetCommands commands = edited({}, with_source("shop.sql"), 0);
  store::v1::SetDefinition definition;
  definition.add_sources("/commander");
  definition.add_sources("/");
  CHECK_NOTHROW(check_command_paths(commands, definition));
  for (const char* path : {"/command", "/command/x"}) {
    definition.set_sources(0, path);
    CHECK(kind_of([&] { check_command_paths(commands, definition); }) == ErrorKind::kInvalidInput);
    CHECK_NOTHROW(check_command_paths({}, definition));
  }
}

TEST_CASE("of output without end a run's log keeps the last lines, and counts the others") {
  testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  catalog::RunRow row;
  row.uuid = Uuid::random();
  const std::int64_t number = here.catalog.runs().add(row);
  {
    RunLog log(here.catalog.run_log(), number, system_clock());
    for (int i = 1; i <= 5000; ++i) log.add("before", "line " + std::to_string(i));
    log.add("before", "\xff and \n");
  }
  const auto lines = here.catalog.run_log().read(number);
  REQUIRE(lines.size() == catalog::kMaximumLogLines);
  CHECK(lines.back().text == "\\xff and \\x0a");
  CHECK(lines.back().number == 5001);
  CHECK(lines.front().text == "line 4002");
  // A run that goes on counts on.
  RunLog(here.catalog.run_log(), number, system_clock()).add("after", "more");
  CHECK(here.catalog.run_log().last_number(number) == 5002);
}

}  // namespace
}  // namespace garner::daemon
