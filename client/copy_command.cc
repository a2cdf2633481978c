// copy: gives a destination a snapshot that another one has.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "wait_for_run.h"

namespace garner::client {

void add_copy_commands(std::vector<Command>& all) {
  struct Arguments {
    std::string snapshot;
    std::string to;
    bool detach = false;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "copy",
      .usage = "SNAPSHOT --to DEST [--detach]",
      .sentence = "Gives a destination a snapshot that another one has, and waits until it is done.",
      .options = {{"SNAPSHOT", "", "The snapshot, as restore takes it.", &given->snapshot, true, {}},
                  {"--to", "DEST", "The destination that is to have it.", &given->to, true, {}},
                  {"--detach", "", "Return at once; the run goes on.", &given->detach, false, {}}},
      .examples = {{"garner copy home@latest --to cloud", "The newest snapshot of the set home."},
                   {"garner copy home@2026-01-01 --to archive", "An older one."}},
      .details =
          {"Only what the destination lacks is sent, and the source is not read: what is stored is taken "
           "from the destinations that have the snapshot, those on this machine first. It is the same "
           "snapshot there, with the same id. What one of them has damaged is taken from another one. "
           "Ended early, it goes on where it was.",
           "Where none of them has the keys and the sizes of chunks of DEST, all content is read, cut and "
           "named again, beyond what an earlier copy of the set has done; the snapshot has another id there, "
           "and the daemon needs the keys of both.",
           "Within a set nobody has to ask: a destination that was away is given the newest snapshot by "
           "itself when it is back."},
      .run =
          [given](Session& session) {
            check_name("destination", given->to);
            v1::StartCopyRequest request;
            request.set_snapshot(given->snapshot);
            request.set_destination(given->to);
            return start_and_wait(session, given->detach,
                                  [&](Session& s) { return s.call(&Stub::StartCopy, request); });
          },
  });
}

}  // namespace garner::client
