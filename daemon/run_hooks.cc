#include "run_hooks.h"

#include <spdlog/spdlog.h>

#include "base/error.h"
#include "command/command.h"
#include "schedule/reading.h"

namespace garner::daemon {

using Stage = catalog::HookProgress::Stage;

namespace {

std::string boot_id() { return schedule::read_clocks(system_clock()).boot_id; }

std::string variable(const std::string& name, const std::string& value) { return name + "=" + value; }

}  // namespace

std::vector<std::string> hook_variables(const ActiveRun& run, const std::string& event) {
  return {variable("GARNER_SET", run.request().set.name()),
          variable("GARNER_RUN", std::to_string(run.number())), variable("GARNER_EVENT", event)};
}

RunHooks::RunHooks(ActiveRun& run, catalog::Catalog& catalog, RunLog& log, std::function<bool()> shutdown)
    : run_(run),
      catalog_(catalog),
      log_(log),
      shutdown_(std::move(shutdown)),
      commands_(run.request().commands) {}

void RunHooks::note(Stage stage) { catalog_.run_hooks().save(run_.number(), {stage, boot_id()}); }

RunHooks::Outcome RunHooks::run(const catalog::SetCommands::Command& command, const std::string& event,
                                std::vector<std::string> variables, const std::function<bool()>& stop) {
  spdlog::info("run {}: {} begins", run_.number(), event);
  for (std::string& common : hook_variables(run_, event)) variables.push_back(std::move(common));
  const command::Request request{command.text, command.user, std::move(variables), commands_.hook_limit};
  command::LastLines last_lines;
  Outcome outcome;
  try {
    command::Command running(
        request, command::Command::Output::kLines,
        [&](std::string_view line) {
          last_lines.add(line);
          log_.add(event, line);
        },
        [&] {
          log_.tick();
          return stop();
        });
    const command::Ending ending = running.wait();
    outcome.well = ending.well();
    outcome.stopped = ending.reason == command::Ending::Reason::kStopped;
    outcome.text = describe(ending, request.limit);
  } catch (const Error& error) {
    outcome.text = error.what();
  }
  log_.flush();
  const std::string said = last_lines.text();
  if (!outcome.well && !said.empty()) outcome.text += ": " + said;
  spdlog::log(outcome.well ? spdlog::level::info : spdlog::level::warn, "run {}: {} {}", run_.number(), event,
              outcome.text);
  return outcome;
}

void RunHooks::before(const std::stop_token& stop) {
  if (!commands_.before) return;
  const auto known = catalog_.run_hooks().find(run_.number());
  if (known && (known->stage == Stage::kBackedUp || known->stage == Stage::kAfterDone)) return;
  if (known && known->stage == Stage::kBeforeDone) {
    // Without an id nobody can tell, and twice is safer than not at all.
    if (!known->boot_id.empty() && known->boot_id == boot_id()) {
      spdlog::info("run {}: before has ended well already", run_.number());
      return;
    }
    spdlog::info("run {}: before runs again, for the machine was started anew", run_.number());
  }
  run_.set_progress(0, 0, 0, 0, "", "before");
  note(Stage::kBeforeBegun);
  const Outcome outcome = run(*commands_.before, "before", {}, [&] { return stop.stop_requested(); });
  if (outcome.well) return note(Stage::kBeforeDone);
  if (outcome.stopped) throw Error(ErrorKind::kCancelled, "the run was stopped");
  throw Error(ErrorKind::kUnavailable, "nothing was backed up, for its command `before` " + outcome.text);
}

std::string RunHooks::after(const std::stop_token& stop) {
  if (!commands_.after) return {};
  const auto known = catalog_.run_hooks().find(run_.number());
  if (known && known->stage == Stage::kAfterDone) return {};
  // The snapshot is there all the same; a run that goes on now may run a command once more.
  const auto try_to_note = [&](Stage stage) {
    try {
      note(stage);
    } catch (const Error& error) {
      spdlog::error("run {}: {}", run_.number(), error.what());
    }
  };
  try_to_note(Stage::kBackedUp);
  const v1::Run report = run_.message();
  const v1::Progress& progress = report.progress();
  run_.set_progress(progress.done_files(), progress.done_bytes(), progress.total_files(),
                    progress.total_bytes(), "", "after");
  const std::uint64_t errors = run_.error_count();
  // A window that closes does not end it: a service that it starts again would stay away until the next one.
  const auto is_to_stop = [&] {
    return shutdown_() || (stop.stop_requested() && run_.wish() != StopWish::kWindow);
  };
  const Outcome outcome = run(
      *commands_.after, "after",
      {variable("GARNER_STATE", errors > 0 ? "errors" : "clean"),
       variable("GARNER_ERRORS", std::to_string(errors)), variable("GARNER_SNAPSHOT", report.snapshot_id())},
      is_to_stop);
  // Who cancels now ends the command: the snapshot is there.
  if (outcome.stopped && run_.wish() != StopWish::kCancel)
    throw Error(ErrorKind::kCancelled, "the run was stopped");
  try_to_note(Stage::kAfterDone);
  return outcome.well ? std::string() : outcome.text;
}

void RunHooks::on_failure(const std::string& state) {
  const auto known = catalog_.run_hooks().find(run_.number());
  const bool begun = known.has_value() && known->stage != Stage::kAfterDone;
  // Before the command begins: whatever it undoes is no longer counted on.
  if (known) catalog_.run_hooks().remove(run_.number());
  if (!commands_.on_failure || (state == "cancelled" && !begun)) return;
  run(*commands_.on_failure, "on-failure",
      {variable("GARNER_STATE", state), variable("GARNER_ERRORS", std::to_string(run_.error_count())),
       variable("GARNER_SNAPSHOT", "")},
      shutdown_);
}

}  // namespace garner::daemon
