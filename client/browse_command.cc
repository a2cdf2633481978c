// browse: snapshots on a full screen.
#include <unistd.h>

#include <memory>

#include "argument.h"
#include "browse/browser.h"
#include "commands.h"
#include "session.h"

namespace garner::client {
namespace {

struct BrowseArguments {
  std::optional<std::string> set;
  std::optional<std::string> path;
};

int browse_snapshots(Session& session, const BrowseArguments& given) {
  if (session.json() || !session.output().interactive || isatty(STDIN_FILENO) != 1) {
    throw usage_failure("browse needs a terminal, as input and as output",
                        "In scripts use garner snapshots, garner ls, garner diff and garner restore.");
  }
  v1::ListSnapshotsRequest request;
  if (given.set) {
    check_name("set", *given.set);
    request.set_set(*given.set);
  }
  const std::string place = given.path ? absolute_path("--path", *given.path) : "";
  const browse::ResizeSignal resize;
  v1::ListSnapshotsResponse list = session.call(&Stub::ListSnapshots, request);
  if (list.snapshots().empty()) {
    session.note("There is no snapshot yet: garner backup SET makes one.");
    return kExitDone;
  }
  DaemonLink link(session);
  browse::Archive archive(session, link);
  browse::Screen screen(session.output());
  browse::Browser(archive, screen, std::move(request), std::move(list), place).run();
  return kExitDone;
}

}  // namespace

void add_browse_command(std::vector<Command>& all) {
  const auto given = std::make_shared<BrowseArguments>();
  all.push_back({
      .path = "browse",
      .usage = "[SET] [--path PATH]",
      .sentence = "Shows snapshots, and what is in them, on a full screen.",
      .options =
          {{"SET", "", "Only this set's snapshots. Default: all.", &given->set, false, {}},
           {"--path", "PATH", "The folder to begin in. Default: the uppermost.", &given->path, false, {}}},
      .examples = {{"garner browse", ""}, {"garner browse home --path ~/letters", "How a folder has been."}},
      .details =
          {"On the left is the timeline of snapshots, on the right a folder of one of them, with what "
           "changed since the snapshot before: + added, - removed, M changed, m metadata only. Enter "
           "opens, Tab goes to the other side, [ and ] go to the snapshot before and after and stay in "
           "the folder, letters filter, Space marks, R restores, ? shows all keys, q quits."},
      .run = [given](Session& session) { return browse_snapshots(session, *given); },
  });
}

}  // namespace garner::client
