// forget, prune, pin and unpin.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "retention_option.h"
#include "wait_for_run.h"

namespace garner::client {
namespace {

void add_forget(std::vector<Command>& all) {
  struct Arguments {
    std::vector<std::string> names, tags;
    RetentionArguments keep;
    bool dry_run = false;
  };
  const auto given = std::make_shared<Arguments>();
  Command command{
      .path = "forget",
      .usage = "[SET] [SELECTOR...] [--tag TAG]... " + std::string(kRetentionUsage) + " [--dry-run]",
      .sentence = "Removes snapshots from the list: those that no rule keeps, or those named.",
      .options =
          {{"SET|SELECTOR",
            "",
            "A set, and snapshots to forget. With a set alone and no rule, its own retention is applied.",
            &given->names,
            false,
            {}},
           {"--tag",
            "TAG",
            "Forget those of the named, or of the set, or without both of all, that have this tag; given "
            "more "
            "than once, that have all of them.",
            &given->tags,
            false,
            {},
            true}},
      .examples = {{"garner forget home --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run",
                    "Tells of each snapshot why it would be kept."},
                   {"garner forget home", "By the rules that the set has."},
                   {"garner forget 4f2a91c0 home~10..~20", "These, whatever any rule keeps."},
                   {"garner forget home --tag draft --dry-run", "These, too."}},
      .details =
          {"Rules are applied to each set by itself; a snapshot is kept if any rule keeps it, or if it is "
           "pinned. "
           "What only forgotten snapshots hold is given back by garner prune.",
           "SELECTOR is a SNAPSHOT as of garner ls, SET~N..~M (both ends in), or TIME..TIME, with times as "
           "there; behind a SET, latest, ~N, ~N..~M and @TIME are of that set, and another set's snapshots "
           "are refused. garner snapshots shows what one chooses.",
           kRetentionOfDestination},
      .run =
          [given](Session& session) {
            v1::StartForgetRequest request;
            for (const std::string& name : given->names) {
              check_utf8("a set or snapshot", name);
              request.add_names(name);
            }
            for (const std::string& tag : given->tags) {
              check_tag("--tag", tag);
              request.add_tags(tag);
            }
            if (!given->tags.empty() && given->keep.any()) {
              throw usage_failure("forget: --tag names snapshots that go, and --keep says what stays",
                                  "Give one of them.");
            }
            add_retention(given->keep, request);
            request.set_dry_run(given->dry_run);
            if (given->names.empty() && given->tags.empty() && !given->keep.any()) {
              throw usage_failure("forget: name a set or snapshots, or say what is kept",
                                  "See garner forget --help.");
            }
            return start_and_wait(session, false,
                                  [&](Session& s) { return s.call(&Stub::StartForget, request); });
          },
  };
  add_retention_options(given->keep, command.options);
  command.options.push_back(
      {"-n,--dry-run", "", "Tell what would be done, and forget nothing.", &given->dry_run, false, {}});
  all.push_back(std::move(command));
}

void add_prune(std::vector<Command>& all) {
  struct Arguments {
    std::optional<std::string> destination;
    std::optional<std::string> grace;
    std::optional<std::string> max_unused;
    std::optional<std::string> max_rewrite;
    bool dry_run = false;
  };
  const auto given = std::make_shared<Arguments>();
  all.push_back({
      .path = "prune",
      .usage = "[--destination NAME] [--grace T] [--max-unused PERCENT] [--max-rewrite SIZE] [--dry-run]",
      .sentence = "Gives back the space of what no snapshot needs any more.",
      .options =
          {{"--destination", "NAME", "Only this destination. Default: all.", &given->destination, false, {}},
           {"--grace",
            "T",
            "Leave alone for so long what a backup that goes on may still need: 0, 12h, 2w. Default: 7d.",
            &given->grace,
            false,
            {}},
           {"--max-unused",
            "PERCENT",
            "Rewrite packs of which more than this is unused; 100 rewrites none. Default: what the "
            "destination "
            "has, 50 without.",
            &given->max_unused,
            false,
            {}},
           {"--max-rewrite",
            "SIZE",
            "Copy no more than this, and leave the rest for the next time. Default: what the destination "
            "has, "
            "16GiB without.",
            &given->max_rewrite,
            false,
            {}},
           {"-n,--dry-run", "", "Tell what would be done, and delete nothing.", &given->dry_run, false, {}}},
      .examples = {{"garner prune", ""},
                   {"garner prune --destination disk --dry-run", ""},
                   {"garner prune --max-unused 10 --max-rewrite 2G", "Gives back more, in small portions."}},
      .details =
          {"Backups of this and other machines may go on meanwhile. Ended early, it goes on when it is "
           "started "
           "again.",
           "Ends with exit code 6, and deletes nothing, when something that snapshots need is damaged."},
      .run =
          [given](Session& session) {
            v1::StartPruneRequest request;
            if (given->destination) {
              check_name("destination", *given->destination);
              request.set_destination(*given->destination);
            }
            if (given->grace) request.set_grace_seconds(parse_seconds("--grace", *given->grace));
            if (given->max_unused)
              request.set_max_unused_percent(parse_share("--max-unused", *given->max_unused));
            if (given->max_rewrite)
              request.set_max_rewrite_bytes(parse_size("--max-rewrite", *given->max_rewrite));
            request.set_dry_run(given->dry_run);
            return start_and_wait(session, false,
                                  [&](Session& s) { return s.call(&Stub::StartPrune, request); });
          },
  });
}

void add_pin(std::vector<Command>& all, bool unpin) {
  const auto snapshot = std::make_shared<std::string>();
  const std::string name = unpin ? "unpin" : "pin";
  all.push_back({
      .path = name,
      .usage = "SNAPSHOT",
      .sentence = unpin ? "Takes the pin from a snapshot: rules may forget it again."
                        : "Pins a snapshot: it is never forgotten until it is unpinned.",
      .options = {{"SNAPSHOT", "", "The snapshot, as of garner ls.", snapshot.get(), true, {}}},
      .examples = {{"garner " + name + " home@2026-11-22", ""}},
      .details = {},
      .run =
          [snapshot, unpin](Session& session) {
            check_utf8("a snapshot", *snapshot);
            v1::PinSnapshotRequest request;
            request.set_snapshot(*snapshot);
            request.set_unpin(unpin);
            const auto answer = session.call(&Stub::PinSnapshot, request);
            if (session.json()) {
              session.print_json(answer);
            } else {
              const std::string state = answer.changed()
                                            ? (unpin ? " is no longer pinned." : " is pinned now.")
                                            : (unpin ? " was not pinned." : " was pinned already.");
              session.say("Snapshot " + answer.id().substr(0, 12) + state);
            }
            return kExitDone;
          },
  });
}

}  // namespace

void add_retention_commands(std::vector<Command>& all) {
  add_forget(all);
  add_prune(all);
  add_pin(all, false);
  add_pin(all, true);
}

}  // namespace garner::client
