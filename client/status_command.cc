// status: how things stand, once or as they change.
#include <unistd.h>

#include <ctime>
#include <memory>

#include "argument.h"
#include "commands.h"
#include "session.h"
#include "status_check.h"
#include "status_text.h"

namespace garner::client {
namespace {

// The screen from its top; lines that do not fit below are left out.
std::string screen(const std::string& text, std::size_t rows) {
  std::string result = "\x1b[H";
  std::size_t begin = 0;
  for (std::size_t row = 1; row < rows && begin < text.size(); ++row) {
    const std::size_t end = text.find('\n', begin);
    result.append(text, begin, end - begin).append("\x1b[K\n");
    begin = end + 1;
  }
  return result + "\x1b[J";
}

int watch(Session& session) {
  const bool live = session.output().interactive && !session.json();
  if (live) session.print("\x1b[2J");
  bool first = true;
  session.stream(&Stub::WatchStatus, v1::GetStatusRequest(), [&](const v1::Status& status) {
    if (session.json()) {
      session.print_json(status);
    } else if (live) {
      Terminal now = session.output();
      now.width = terminal_width(STDOUT_FILENO);
      session.print(screen(status_text(status, now), terminal_rows(STDOUT_FILENO)));
    } else {
      if (!first) session.print("\n");
      session.print(status_text(status, session.output()));
    }
    first = false;
    return session.flush();
  });
  return kExitDone;
}

// A daemon that does not run is critical, as a service is to Nagios' plugins that refuses connections; one
// that may not be asked tells nothing.
CheckResult check(Session& session, const std::vector<std::string>& sets) {
  try {
    for (const std::string& set : sets) check_name("set", set);
    const auto status = session.call(&Stub::GetStatus, v1::GetStatusRequest());
    return check_status(status, sets, static_cast<std::int64_t>(std::time(nullptr)));
  } catch (const Failure& failure) {
    const bool unreachable = failure.exit_code() == kExitUnreachable;
    return check_failure(unreachable ? CheckCode::kCritical : CheckCode::kUnknown, failure.what());
  }
}

}  // namespace

void add_status_commands(std::vector<Command>& all) {
  struct Arguments {
    bool watch = false;
    bool check = false;
    std::vector<std::string> sets;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "status",
      .usage = "[--watch | --check [SET...]]",
      .sentence = "Shows what runs, how the sets are, and where the destinations stand.",
      .options =
          {{"SET", "", "With --check: only these sets, and their destinations.", &given->sets, false, {}},
           {"--watch", "", "Show it again whenever it changes, until Ctrl-C.", &given->watch, false, {}},
           {"--check",
            "",
            "One line for a monitoring system, and its exit codes.",
            &given->check,
            false,
            {}}},
      .examples = {{"garner status", ""}, {"garner status --watch", ""}, {"garner status --check home", ""}},
      .details =
          {"With --watch and --json, one object a line.",
           "--check follows the conventions of Nagios' plugins: 0 well, 1 warning, 2 critical, 3 unknown, "
           "and "
           "performance data behind a |. Critical: a set's last backup failed, a set is overdue, damage was "
           "found, a destination is refused or needs repair, the daemon does not run. Warning: a backup had "
           "errors, or there is none; one waits for longer than an hour; a destination is away, "
           "overdue for a check, or behind with a set for a week; a notification cannot be delivered."},
      .run =
          [given](Session& session) {
            check_at_most_one({{"--watch", given->watch}, {"--check", given->check}});
            if (!given->sets.empty() && !given->check)
              throw usage_failure("status: a set is only given with --check", "See garner status --help.");
            if (given->check) {
              const CheckResult result = check(session, given->sets);
              session.print(result.line + '\n');
              return static_cast<int>(result.code);
            }
            if (given->watch) return watch(session);
            const auto status = session.call(&Stub::GetStatus, v1::GetStatusRequest());
            if (session.json()) {
              session.print_json(status);
            } else {
              session.print(status_text(status, session.output()));
            }
            return static_cast<int>(kExitDone);
          },
  });
}

}  // namespace garner::client
