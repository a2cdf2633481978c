// status: how things stand, once or as they change.
#include <unistd.h>

#include <memory>

#include "commands.h"
#include "session.h"
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

}  // namespace

void add_status_commands(std::vector<Command>& all) {
  const auto watching = std::make_shared<bool>(false);
  all.push_back({
      .path = "status",
      .usage = "[--watch]",
      .sentence = "Shows what runs, how the sets are, and where the destinations stand.",
      .options =
          {{"--watch", "", "Show it again whenever it changes, until Ctrl-C.", watching.get(), false, {}}},
      .examples = {{"garner status", ""}, {"garner status --watch", ""}},
      .details = {"With --watch and --json, one object a line."},
      .run =
          [watching](Session& session) {
            if (*watching) return watch(session);
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
