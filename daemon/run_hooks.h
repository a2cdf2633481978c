// The commands around a backup: `before`, `after` and `on-failure` of its set, as it was when the run was
// asked for.
//
//   before       runs once, before anything is read or the destination is asked for. Unless it ends well the
//   run
//                fails. It is run again in a run that goes on after the machine was started anew: what it had
//                set up (a mount, a stopped service, a snapshot of a volume) may not have outlived that.
//   after        runs when the snapshot is made, however often the run was interrupted: until it has ended.
//                The source is not needed any more then; that further destinations are given the snapshot may
//                take days.
//   on-failure   runs when the run has failed; also when a run is cancelled whose `before` was begun.
//
// What `before` has come to is in the catalog before the next step is taken (RunHookTable):
//
//   killed                          there is              the run that goes on
//   in `before`                     kBeforeBegun          runs `before` again
//   between `before` and `after`    kBeforeDone, boot id  does not, unless the boot id is another
//   in `after`                      kBackedUp             runs `after` again, and nothing else
//   after it                        kAfterDone            runs none, whatever becomes of it
//   in `on-failure`                 nothing               begins anew, with `before`
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "active_run.h"
#include "catalog/catalog.h"
#include "run_log.h"

namespace garner::daemon {

// Of one run; one thread.
class RunHooks {
 public:
  // `shutdown`: the daemon is to end now.
  RunHooks(ActiveRun& run, catalog::Catalog& catalog, RunLog& log, std::function<bool()> shutdown);

  // Error(kUnavailable) when it does not end well; Error(kCancelled) when `stop` ended it.
  void before(const std::stop_token& stop);
  // Returns what is wrong, in words; empty when it ended well or there is none. Error(kCancelled) when the
  // run was paused or the daemon is to end: then it is run again.
  std::string after(const std::stop_token& stop);
  // `state`: "failed" or "cancelled". What goes wrong is logged.
  void on_failure(const std::string& state);

 private:
  struct Outcome {
    bool well = false;
    bool stopped = false;
    std::string text;  // "ended with exit code 3: last lines"
  };
  Outcome run(const catalog::SetCommands::Command& command, const std::string& event,
              std::vector<std::string> variables, const std::function<bool()>& stop);
  void note(catalog::HookProgress::Stage stage);

  ActiveRun& run_;
  catalog::Catalog& catalog_;
  RunLog& log_;
  const std::function<bool()> shutdown_;
  const catalog::SetCommands& commands_;
};

// What every command of a run is told: GARNER_SET, GARNER_RUN, GARNER_EVENT.
std::vector<std::string> hook_variables(const ActiveRun& run, const std::string& event);

}  // namespace garner::daemon
