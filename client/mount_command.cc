// mount: snapshots as folders of this machine, as long as the command runs.
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <set>

#include "argument.h"
#include "commands.h"
#include "mount/serve.h"
#include "session.h"
#include "text.h"

namespace garner::client {
namespace {

void check_folder(const std::string& folder) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) {
    const int error = errno;
    const std::string what = "DIR " + printable(folder) + ": " + std::strerror(error);
    if (error == ENOENT) throw usage_failure(what, "Make the folder first: mkdir " + printable(folder));
    // Of a mount whose program has ended.
    if (error == ENOTCONN)
      throw Failure(kExitFailed, what, "Take away what is left there: fusermount3 -u " + printable(folder));
    throw Failure(error == EACCES ? kExitNotPermitted : kExitFailed, what);
  }
  if (!S_ISDIR(status.st_mode)) throw usage_failure("DIR " + printable(folder) + " is no folder");
}

// Whole ids. All that may be wrong with them, or with the daemon, is told before anything is mounted.
std::set<std::string> ids_of(Session& session, const std::vector<std::string>& snapshots) {
  std::set<std::string> ids;
  for (const std::string& snapshot : snapshots) {
    check_utf8("SNAPSHOT", snapshot);
    v1::LookUpNodeRequest request;
    request.set_snapshot(snapshot);
    ids.insert(session.call(&Stub::LookUpNode, request).snapshot_id());
  }
  if (snapshots.empty()) session.call(&Stub::ListSnapshots, v1::ListSnapshotsRequest());
  return ids;
}

}  // namespace

void add_mount_command(std::vector<Command>& all) {
  struct Arguments {
    std::string folder;
    std::vector<std::string> snapshots;
    bool allow_other = false;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "mount",
      .usage = "DIR [SNAPSHOT...] [--allow-other]",
      .sentence = "Shows snapshots as folders, to be read by any program, until it is ended.",
      .options = {{"DIR", "", "A folder, below which they are seen.", &given->folder, true, {}},
                  {"SNAPSHOT",
                   "",
                   "Only these (see garner ls --help). Default: all, also those that are made later.",
                   &given->snapshots,
                   false,
                   {}},
                  {"--allow-other",
                   "",
                   "Let other users look into it, each as far as the modes and access control lists of files "
                   "allow. Default: only you.",
                   &given->allow_other,
                   false,
                   {}}},
      .examples = {{"garner mount /mnt", "Then, in another shell: ls /mnt/sets/home/latest/"},
                   {"garner mount ~/old home@2026-11-22", "One of them."}},
      .details =
          {"DIR/snapshots/ID/ is a snapshot, under the first eight digits of its id: the content of a set's "
           "only source; several sources keep their absolute paths below it. DIR/sets/NAME/ has links to "
           "them: "
           "latest, and the times at which they were finished. Nothing can be changed there. What is read is "
           "asked of the daemon, so DIR is there for whoever may restore.",
           "DIR/versions/PATH/ has every version of the file PATH, an absolute path of the source, under the "
           "time of the first snapshot that has it. Each file is a folder there; a folder has what was in it "
           "when it was seen last, and what was removed before is found by its path. Only you look into it.",
           "It runs until Ctrl-C, or until somebody unmounts DIR (fusermount3 -u DIR). While the daemon is "
           "away, what is read there gives errors; when it is back, all goes on."},
      .run =
          [given](Session& session) {
            const std::string folder = absolute_path("DIR", given->folder);
            check_folder(folder);
            Interrupt interrupt({SIGINT, SIGTERM, SIGHUP});
            DaemonLink link(session);
            mount::View view(link, ids_of(session, given->snapshots));
            mount::FileSystem file_system(link, view, given->allow_other);
            mount::serve(folder, file_system, given->allow_other, link, interrupt, [&] {
              if (session.json()) return;
              session.say("Snapshots are in " + folder + "/snapshots and " + folder +
                          "/sets, versions of files in " + folder + "/versions.");
              session.say("To end it: Ctrl-C, or fusermount3 -u " + folder);
              session.flush();
            });
            return kExitDone;
          },
  });
}

}  // namespace garner::client
