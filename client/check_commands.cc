// check and repair.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "wait_for_run.h"

namespace garner::client {
namespace {

void add_check(std::vector<Command>& all) {
  struct Arguments {
    std::optional<std::string> destination;
    std::optional<std::string> read_data;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "check",
      .usage = "[--destination NAME] [--read-data[=PERCENT]]",
      .sentence = "Checks that everything that the snapshots need is there and undamaged.",
      .options =
          {{"--destination", "NAME", "Only this destination. Default: all.", &given->destination, false, {}},
           {"--read-data", "PERCENT",
            "Also read this share of the files' content, 0 to 100; all of it without a number. Default: only "
            "what describes the content is read.",
            &given->read_data, false, "100"}},
      .examples = {{"garner check", ""},
                   {"garner check --destination disk --read-data=10",
                    "Reads a tenth of the content as well."}},
      .details = {"Ends with exit code 6 when damage was found."},
      .run =
          [given](Session& session) {
            v1::StartCheckRequest request;
            if (given->destination) {
              check_name("destination", *given->destination);
              request.set_destination(*given->destination);
            }
            if (given->read_data)
              request.set_read_data_percent(parse_percent("--read-data", *given->read_data));
            return start_and_wait(session, false,
                                  [&](Session& s) { return s.call(&Stub::StartCheck, request); });
          },
  });
}

void add_repair(std::vector<Command>& all) {
  struct Arguments {
    std::optional<std::string> destination;
    bool dry_run = false;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "repair",
      .usage = "[--destination NAME] [--dry-run]",
      .sentence = "Puts right what can be put right of a damaged repository.",
      .options =
          {{"--destination",
            "NAME",
            "Only this destination. Default: all that need it, by what is seen of them or by their last "
            "check.",
            &given->destination,
            false,
            {}},
           {"-n,--dry-run", "", "Tell what would be done, and write nothing.", &given->dry_run, false, {}}},
      .examples = {{"garner repair --destination disk --dry-run", ""},
                   {"garner repair --destination disk", ""}},
      .details = {"Index and log are rebuilt from the packs where they are missing or unusable. Otherwise "
                  "all packs are "
                  "read; what can be read of damaged ones is copied, what cannot is taken from another "
                  "destination with "
                  "the same keys, and the damaged ones are removed. What nobody has is named; the next "
                  "backup stores "
                  "again what of it the source still has.",
                  "Snapshots that are found again, or that lack something, are listed as recovered, and are "
                  "chosen by "
                  "their id only.",
                  "Ends with exit code 6 when damage is left."},
      .run =
          [given](Session& session) {
            v1::StartRepairRequest request;
            if (given->destination) {
              check_name("destination", *given->destination);
              request.set_destination(*given->destination);
            }
            request.set_dry_run(given->dry_run);
            const int result = start_and_wait(
                session, false, [&](Session& s) { return s.call(&Stub::StartRepair, request); });
            if (given->dry_run && !session.json()) session.say("A dry run: nothing was written.");
            return result;
          },
  });
}

}  // namespace

void add_check_commands(std::vector<Command>& all) {
  add_check(all);
  add_repair(all);
}

}  // namespace garner::client
