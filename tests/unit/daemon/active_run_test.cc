#include "active_run.h"

#include <catch2/catch.hpp>

#include "base/log_context.h"
#include "log_ring.h"

namespace garner::daemon {
namespace {

catalog::RunRow running() {
  catalog::RunRow row;
  row.number = 3;
  row.state = catalog::RunState::kRunning;
  return row;
}

TEST_CASE("a run's message has its counters, its progress and its first hundred errors") {
  ActiveRun run(running(), {}, {{"/a", "no"}}, 1);
  run.update([](v1::Run& report) { report.set_read_bytes(55); });
  run.set_progress(1, 2, 3, 4, "here", "reading");
  for (int i = 0; i < 150; ++i) run.add_error({"/b" + std::to_string(i), "no"});
  const v1::Run message = run.message();
  CHECK(message.run_id() == "3");
  CHECK(message.read_bytes() == 55);
  CHECK(message.progress().total_bytes() == 4);
  CHECK(message.progress().current() == "here");
  CHECK(message.errors_size() == 100);
  CHECK(message.errors(0).path() == "/a");
  CHECK(message.error_count() == 151);
  // What outlives the process has no progress and no errors: these have places of their own.
  v1::Run report;
  const Bytes kept = run.report();
  REQUIRE(report.ParseFromArray(kept.data(), static_cast<int>(kept.size())));
  CHECK(report.read_bytes() == 55);
  CHECK(report.errors().empty());
  CHECK_FALSE(report.has_progress());
}

TEST_CASE("a wish to cancel is not forgotten for the daemon's end") {
  ActiveRun run(running(), {}, {}, 0);
  const std::stop_token first = run.begin_attempt();
  run.stop(StopWish::kPause);
  CHECK(first.stop_requested());
  CHECK(run.wish() == StopWish::kPause);
  const std::stop_token second = run.begin_attempt();
  CHECK_FALSE(second.stop_requested());
  CHECK(run.wish() == StopWish::kNone);
  run.stop(StopWish::kCancel);
  run.stop(StopWish::kShutdown);
  CHECK(run.wish() == StopWish::kCancel);
}

TEST_CASE("the log's newest lines are kept, and new ones go to whoever asked") {
  LogRing ring;
  const auto say = [&](const std::string& text) {
    ring.log(spdlog::details::log_msg("test", spdlog::level::warn, text));
  };
  for (int i = 0; i < 3000; ++i) say(std::to_string(i));
  std::vector<LoggedLine> lines;
  std::vector<std::string> heard;
  const std::uint64_t id =
      ring.read(2, 0, lines, [&](const LoggedLine& line) { heard.push_back(line.text); });
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].text == "2998");
  CHECK(lines[1].text == "2999");
  CHECK(lines[1].level == "warning");
  say("new");
  ring.unsubscribe(id);
  say("newer");
  CHECK(heard == std::vector<std::string>{"new"});
  ring.read(100'000, 0, lines);
  CHECK(lines.size() == 2000);
  CHECK(lines.back().text == "newer");
}

TEST_CASE("lines know the run that they belong to") {
  LogRing ring;
  const auto say = [&](const std::string& text) {
    ring.log(spdlog::details::log_msg("test", spdlog::level::info, text));
  };
  say("before");
  {
    const LogScope scope({12, "home"});
    say("first");
    say("run 12: second");
  }
  {
    const LogScope scope({13, ""});
    say("other");
  }
  std::vector<LoggedLine> lines;
  ring.read(100, 12, lines);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].text == "run 12: first");
  CHECK(lines[1].text == "run 12: second");
  CHECK(lines[1].run == 12);
  CHECK(lines[1].set == "home");
  ring.read(1, 12, lines);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].text == "run 12: second");
  ring.read(100, 0, lines);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].text == "before");
  CHECK(lines[0].run == 0);
  CHECK(lines[3].text == "run 13: other");
}

}  // namespace
}  // namespace garner::daemon
