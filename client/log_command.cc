// log: the daemon's log.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "json.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

Style level_style(const std::string& level) {
  if (level == "error" || level == "critical") return Style::kBad;
  if (level == "warning" || level == "warn") return Style::kWarning;
  if (level == "debug" || level == "trace") return Style::kDim;
  return Style::kPlain;
}

}  // namespace

void add_log_commands(std::vector<Command>& all) {
  const auto follow = std::make_shared<bool>(false);
  const auto of_run = std::make_shared<std::optional<std::string>>();
  all.push_back({
      .path = "log",
      .usage = "[--follow] [--run ID]",
      .sentence = "Shows the newest lines of the daemon's log.",
      .options = {{"-f,--follow", "", "Then new lines as they come, until Ctrl-C.", follow.get(), false, {}},
                  {"--run", "ID", "Only the lines of this run.", of_run.get(), false, {}}},
      .examples = {{"garner log --follow", ""}, {"garner log --run 12", ""}},
      .details = {"The daemon keeps its newest 2,000 lines for this; older ones are in its file, or in the "
                  "journal: journalctl -u garnerd GARNER_RUN=12.",
                  "With --json, one object with \"lines\"; with --follow as well, one object a line."},
      .run =
          [follow, of_run](Session& session) {
            v1::ReadLogRequest request;
            if (*of_run) {
              check_run_id(**of_run);
              request.set_run_id(**of_run);
            }
            request.set_follow(*follow);
            std::string lines;
            session.stream(&Stub::ReadLog, request, [&](const v1::LogLine& line) {
              if (session.json() && !*follow) {
                lines += (lines.empty() ? "" : ",") + to_json(line);
                return true;
              }
              if (session.json()) {
                session.print_json(line);
              } else {
                const std::string level = pad_right(printable(line.level()), 8);
                session.print(local_time(line.time()) + ' ' +
                              session.output().styled(level, level_style(line.level())) + ' ' +
                              printable(line.text()) + '\n');
              }
              // Whoever follows sees a line when it comes, through a pipe as well.
              return !*follow || session.flush();
            });
            if (session.json() && !*follow) session.print("{\"lines\":[" + lines + "]}\n");
            return kExitDone;
          },
  });
}

}  // namespace garner::client
