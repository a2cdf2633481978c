// errors.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "exit_code.h"
#include "session.h"
#include "table.h"
#include "text.h"

namespace garner::client {
namespace {

std::string since_text(const v1::FailingPath& failing) {
  if (failing.runs() <= 1) return "this run";
  return local_minute(failing.since()) + ", " + plural(failing.runs(), "run", "runs");
}

void show_errors(Session& session, const v1::ListErrorsResponse& answer) {
  Table table({{"SET", false, Column::Cut::kMiddle},
               {"RUN", true},
               {"SINCE"},
               {"SNAPSHOT HAS"},
               {"PATH", false, Column::Cut::kMiddle},
               {"ERROR", false, Column::Cut::kEnd}});
  for (const v1::FailingPath& failing : answer.errors()) {
    table.add({failing.set().empty() ? "-" : failing.set(), failing.run_id(), since_text(failing),
               failing.stale() ? Cell("an older version") : Cell("what could be read", Style::kWarning),
               failing.path(), failing.message()});
  }
  session.page();
  session.print(table.render(session.output()));
  if (answer.not_listed() > 0)
    session.print("and up to " + plural(answer.not_listed(), "more", "more") +
                  ", whose paths are not kept\n");
}

}  // namespace

void add_error_commands(std::vector<Command>& all) {
  struct Arguments {
    std::optional<std::string> run;
    std::optional<std::string> set;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "errors",
      .usage = "[RUN] [--set SET]",
      .sentence = "Lists what could not be read, and since when.",
      .options = {{"RUN", "", "Of this run. Default: of each set's last backup.", &given->run, false, {}},
                  {"--set", "SET", "Only of this set. Default: all.", &given->set, false, {}}},
      .examples = {{"garner errors", ""}, {"garner errors 12", ""}, {"garner --json errors --set home", ""}},
      .details =
          {"What cannot be read is tried again a few times before a backup ends. Then its snapshot has "
           "the last known version, marked stale, if there is one; restore brings that back.",
           "A path fails since the first of the backups in a row in which it failed.",
           "Of each run 1,000 errors are kept."},
      .run =
          [given](Session& session) {
            v1::ListErrorsRequest request;
            if (given->run) {
              check_run_id(*given->run);
              request.set_run_id(*given->run);
            }
            if (given->set) {
              check_name("set", *given->set);
              request.set_set(*given->set);
            }
            const auto answer = session.call(&Stub::ListErrors, request);
            if (session.json()) {
              session.print_json(answer);
            } else if (answer.errors().empty()) {
              session.note("No errors.");
            } else {
              show_errors(session, answer);
            }
            return kExitDone;
          },
  });
}

}  // namespace garner::client
