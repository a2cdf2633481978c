#include "command_option.h"

#include <catch2/catch.hpp>

#include "run_log_text.h"

namespace garner::client {
namespace {

TEST_CASE("a run's log is shown from its end, with what is not shown counted") {
  v1::Run run;
  const Terminal terminal;
  CHECK(log_text(run, terminal).empty());
  for (int i = 1; i <= 3; ++i) {
    v1::RunLogLine& line = *run.add_log();
    line.set_origin("before");
    line.set_text("line " + std::to_string(i));
  }
  std::string text = log_text(run, terminal);
  CHECK(text.starts_with("Its commands wrote:\n"));
  CHECK(text.find("before: line 1\n") != std::string::npos);
  for (int i = 4; i <= 30; ++i) run.add_log()->set_text("line " + std::to_string(i));
  run.set_log_lines_dropped(70);
  text = log_text(run, terminal);
  CHECK(text.starts_with("The last 20 lines of 100 that its commands wrote (30 are kept: --json):\n"));
  CHECK(text.find("line 10\n") == std::string::npos);
  CHECK(text.find("line 11\n") != std::string::npos);
}

TEST_CASE("a set's commands are shown with their limits, and nothing where there are none") {
  FactList none;
  v1::SetCommands commands;
  commands.set_hook_timeout_seconds(3600);
  add_command_facts(none, commands);
  CHECK(none.render({}).empty());
  commands.set_before("stop it");
  v1::CommandSource& source = *commands.add_sources();
  source.set_name("shop.sql");
  source.set_command("pg_dump shop");
  commands.set_command_timeout_seconds(86400);
  FactList facts;
  add_command_facts(facts, commands);
  const std::string text = facts.render({});
  for (const char* part : {"shop.sql: pg_dump shop", "1d", "stop it", "1h"})
    CHECK(text.find(part) != std::string::npos);
}

}  // namespace
}  // namespace garner::client
