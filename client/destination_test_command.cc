// destination test.
#include <algorithm>
#include <memory>

#include "argument.h"
#include "commands.h"
#include "destination_text.h"
#include "session.h"

namespace garner::client {

void add_destination_test_command(std::vector<Command>& all) {
  const auto name = std::make_shared<std::string>();
  all.push_back({
      .path = "destination test",
      .usage = "NAME",
      .sentence = "Tries at the live place all that garner relies on, and measures how fast it is.",
      .options = {{"NAME", "", "The destination.", name.get(), true, {}}},
      .examples = {{"garner destination test cloud", ""}},
      .details =
          {"It takes some ten to thirty seconds, and no longer than a limit of the destination makes it: "
           "what is measured obeys limits as a backup does. It sends and reads up to 65 MB, with "
           "objects of its own (trial/...) that are removed again, and a store counts some seventy "
           "requests. Backups may go on meanwhile; what is measured is then what they leave.",
           "Exit code 0: everything works. 1: something that garner relies on does not."},
      .run =
          [name](Session& session) {
            check_name("destination", *name);
            v1::TestDestinationRequest request;
            request.set_name(*name);
            v1::DestinationTest test;
            int shown = 0;
            session.stream(&Stub::TestDestination, request, [&](const v1::DestinationTest& now) {
              test = now;
              if (session.json()) return true;
              for (; shown < test.steps_size(); ++shown)
                session.print(test_step_text(test.steps(shown), session.output()));
              return session.flush();
            });
            if (session.json()) {
              session.print_json(test);
            } else if (test.finished()) {
              session.print(test_summary(test, session.output()));
            }
            return test.passed() ? kExitDone : kExitFailed;
          },
  });
}

}  // namespace garner::client
