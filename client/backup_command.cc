// backup: starts a run of a set and waits for it.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "wait_for_run.h"

namespace garner::client {

void add_backup_commands(std::vector<Command>& all) {
  struct Arguments {
    std::string set;
    bool detach = false;
    bool full_scan = false;
    std::vector<std::string> destinations;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "backup",
      .usage = "SET [--destination NAME]... [--detach] [--full-scan]",
      .sentence = "Backs up a set, and waits until the run ends.",
      .options = {{"SET", "", "The backup set.", &given->set, true, {}},
                  {"--destination",
                   "NAME",
                   "To these of its destinations only. Default: all of them.",
                   &given->destinations,
                   false,
                   {},
                   /*one_each_time=*/true},
                  {"--detach", "", "Return at once; the run goes on.", &given->detach, false, {}},
                  {"--full-scan",
                   "",
                   "Read every file, even those that look unchanged.",
                   &given->full_scan,
                   false,
                   {}}},
      .examples = {{"garner backup home", ""},
                   {"garner backup home --detach", "Starts it; garner status tells how it goes."},
                   {"garner --json backup home",
                    "Prints the finished run as JSON; progress goes to standard error."}},
      .details =
          {"Ctrl-C asks whether to detach or to cancel; without a terminal it detaches. The run "
           "belongs to the "
           "daemon: if the machine stops, it goes on by itself when the daemon starts again. A run "
           "that waits, "
           "because its destination is away or full, says so and goes on when it can.",
           "The source is read once for all destinations. One that is away, while another one is there, is "
           "left behind, and given the newest snapshot by itself when it is back."},
      .run =
          [given](Session& session) {
            check_name("set", given->set);
            v1::StartBackupRequest request;
            request.set_set(given->set);
            request.set_full_scan(given->full_scan);
            for (const std::string& name : given->destinations) {
              check_name("destination", name);
              request.add_destinations(name);
            }
            return start_and_wait(session, given->detach,
                                  [&](Session& s) { return s.call(&Stub::StartBackup, request); });
          },
  });
}

}  // namespace garner::client
