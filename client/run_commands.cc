// runs; run show, pause, resume, cancel.
#include <memory>
#include <utility>

#include "argument.h"
#include "commands.h"
#include "exit_code.h"
#include "fact_list.h"
#include "failure.h"
#include "run_log_text.h"
#include "run_progress.h"
#include "run_summary.h"
#include "run_text.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

const char* run_kind_text(v1::RunKind kind) {
  switch (kind) {
    case v1::RUN_KIND_BACKUP:
      return "backup";
    case v1::RUN_KIND_RESTORE:
      return "restore";
    case v1::RUN_KIND_CHECK:
      return "check";
    case v1::RUN_KIND_REPAIR:
      return "repair";
    case v1::RUN_KIND_FORGET:
      return "forget";
    case v1::RUN_KIND_PRUNE:
      return "prune";
    case v1::RUN_KIND_COPY:
      return "copy";
    default:
      return "?";
  }
}

// Far more than anybody reads; the answer to one who asks for more comes in pages all the same.
constexpr std::uint32_t kUsualRuns = 10'000;

// The newest so many, whichever pages they come in.
v1::ListRunsResponse list_runs(Session& session, v1::ListRunsRequest request) {
  v1::ListRunsResponse all;
  for (std::uint32_t left = request.limit();;) {
    request.set_limit(left);
    v1::ListRunsResponse page = session.call(&Stub::ListRuns, request);
    all.set_more(page.more());
    const auto count = static_cast<std::uint32_t>(page.runs_size());
    for (v1::Run& run : *page.mutable_runs()) *all.add_runs() = std::move(run);
    if (!page.more() || count == 0 || count >= left) return all;
    left -= count;
    request.set_before(all.runs().rbegin()->run_id());
  }
}

void add_runs(std::vector<Command>& all) {
  const auto set = std::make_shared<std::optional<std::string>>();
  const auto limit = std::make_shared<std::optional<std::string>>();
  all.push_back({
      .path = "runs",
      .usage = "[SET] [--limit N]",
      .sentence = "Lists the runs, newest first.",
      .options = {{"SET", "", "Only this set's backups. Default: all runs.", set.get(), false, {}},
                  {"--limit", "N", "No more than the newest N. Default: 10,000.", limit.get(), false, {}}},
      .examples = {{"garner runs", ""}, {"garner runs home --limit 10", ""}},
      .details =
          {"A run that was interrupted and went on is one run.",
           "Of each kind of run, and of each set's backups, the newest 1,000 are kept, and backups whose "
           "snapshot is there."},
      .run =
          [set, limit](Session& session) {
            v1::ListRunsRequest request;
            request.set_limit(*limit ? parse_count("--limit", **limit) : kUsualRuns);
            if (request.limit() == 0) throw usage_failure("--limit: give 1 or more");
            if (*set) {
              check_name("set", **set);
              request.set_set(**set);
            }
            const auto answer = list_runs(session, std::move(request));
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            if (answer.runs().empty()) {
              session.note("Nothing has run yet.");
              return kExitDone;
            }
            Table table({{"RUN", true},
                         {"KIND"},
                         {"SET", false, Column::Cut::kMiddle},
                         {"STATE"},
                         {"STARTED"},
                         {"TOOK", true},
                         {"NEW", true},
                         {"STORED", true, Column::Cut::kNever, true},
                         {"FILES", true, Column::Cut::kNever, true}});
            for (const v1::Run& run : answer.runs()) {
              const bool backup = run.kind() == v1::RUN_KIND_BACKUP;
              table.add({run.run_id(), run_kind_text(run.kind()),
                         run.set().empty() ? run.target() : run.set(),
                         Cell(state_text(run), state_style(run)),
                         local_minute(run.has_started() ? run.started() : run.queued()), elapsed_text(run),
                         backup ? human_bytes(run.new_bytes()) : "-",
                         backup ? human_bytes(run.stored_bytes()) : "-",
                         backup || run.kind() == v1::RUN_KIND_RESTORE ? human_count(run.files()) : "-"});
            }
            session.page();
            session.print(table.render(session.output()));
            if (answer.more() && !*limit) session.note("There are older ones: give a larger --limit.");
            return kExitDone;
          },
  });
}

// What is known of a run beyond its summary.
void show_run(Session& session, const v1::Run& run) {
  session.print(summary(run, session.output()));
  FactList facts;
  if (!has_ended(run)) {
    facts.add("progress", progress_line(run));
    facts.add("stage", run.progress().stage());
    facts.add("current", run.progress().current());
  }
  facts.add("snapshot", run.snapshot_id());
  facts.add("queued", local_time(run.queued()));
  if (run.has_started()) facts.add("started", local_time(run.started()));
  if (run.has_finished()) facts.add("finished", local_time(run.finished()));
  session.print(facts.render(session.output()));
  session.print(log_text(run, session.output()));
}

using RunMethod = grpc::Status (Stub::*)(grpc::ClientContext*, const v1::GetRunRequest&, v1::Run*);

void add_one(std::vector<Command>& all, Command command, RunMethod method, bool in_full) {
  const auto id = std::make_shared<std::string>();
  command.usage = "ID";
  command.options = {{"ID", "", "The run's number, as garner runs shows it.", id.get(), true, {}}};
  command.run = [id, method, in_full](Session& session) {
    check_run_id(*id);
    v1::GetRunRequest request;
    request.set_run_id(*id);
    const auto run = session.call(method, request);
    if (session.json()) {
      session.print_json(run);
    } else if (in_full) {
      show_run(session, run);
    } else {
      session.print("Run " + printable(run.run_id()) + ", " + run_title(run) + ", is " +
                    session.output().styled(state_text(run), state_style(run)) + ".\n");
    }
    return kExitDone;
  };
  all.push_back(std::move(command));
}

}  // namespace

void add_run_commands(std::vector<Command>& all) {
  add_runs(all);
  add_one(all,
          {.path = "run show",
           .usage = {},
           .sentence = "Shows one run, with its errors.",
           .options = {},
           .examples = {{"garner run show 12", ""}},
           .details = {},
           .run = {}},
          &Stub::GetRun, true);
  add_one(all,
          {.path = "run pause",
           .usage = {},
           .sentence = "Pauses a run; what it has done is kept.",
           .options = {},
           .examples = {{"garner run pause 12", ""}},
           .details = {},
           .run = {}},
          &Stub::PauseRun, false);
  add_one(all,
          {.path = "run resume",
           .usage = {},
           .sentence = "Lets a paused run go on.",
           .options = {},
           .examples = {{"garner run resume 12", ""}},
           .details = {},
           .run = {}},
          &Stub::ResumeRun, false);
  add_one(all,
          {.path = "run cancel",
           .usage = {},
           .sentence = "Ends a run for good; it makes no snapshot.",
           .options = {},
           .examples = {{"garner run cancel 12", ""}},
           .details = {},
           .run = {}},
          &Stub::CancelRun, false);
}

}  // namespace garner::client
