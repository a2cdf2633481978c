// restore: writes a snapshot, or a folder or file of it, into a folder.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "version_text.h"
#include "wait_for_run.h"

namespace garner::client {
namespace {

v1::Overwrite parse_overwrite(const std::optional<std::string>& text) {
  if (!text) return v1::OVERWRITE_UNSPECIFIED;
  if (*text == "never") return v1::OVERWRITE_NEVER;
  if (*text == "older") return v1::OVERWRITE_OLDER;
  if (*text == "always") return v1::OVERWRITE_ALWAYS;
  throw usage_failure("--overwrite " + *text + ": give never, older or always");
}

struct RestoreArguments {
  std::string snapshot;
  std::string to;
  std::optional<std::string> overwrite;
  std::optional<std::string> version;
  bool dry_run = false;
};

// The last snapshot that has that version of what stood at the path.
SnapshotPath find_version(Session& session, const std::string& path, std::uint32_t number) {
  v1::ListVersionsRequest request;
  request.set_path(path);
  const auto versions = session.call(&Stub::ListVersions, request);
  const v1::FileVersion& version = version_numbered(versions, number, path);
  session.note(version_label(version, path) + ", of snapshot " + version.last_snapshot().substr(0, 12));
  return {version.last_snapshot(), path};
}

SnapshotPath snapshot_path_of(Session& session, const RestoreArguments& given) {
  if (!given.version) return split_snapshot_path(given.snapshot);
  const std::uint32_t number = parse_version_number("--version", *given.version);
  return find_version(session, absolute_path("PATH", given.snapshot), number);
}

}  // namespace

void add_restore_commands(std::vector<Command>& all) {
  const auto given = std::make_shared<RestoreArguments>();
  all.push_back({
      .path = "restore",
      .usage = "{SNAPSHOT[:PATH] | --version N PATH} --to DIR [--overwrite never|older|always] [--dry-run]",
      .sentence = "Restores a snapshot, or a folder or file of it, and waits until it is done.",
      .options =
          {{"SNAPSHOT[:PATH]", "", "The snapshot (see below), and what of it.", &given->snapshot, true, {}},
           {"--version",
            "N",
            "Not of a snapshot that is named, but version N of PATH, as garner versions numbers them.",
            &given->version,
            false,
            {}},
           {"--to",
            "DIR",
            "The folder to restore into; it is made when it is missing.",
            &given->to,
            true,
            {}},
           {"--overwrite",
            "never|older|always",
            "Restore into a folder that is not empty: keep the files that are there, replace those that are "
            "older, or "
            "replace all. Default: such a folder is refused, unless it is the unfinished restore of the same "
            "snapshot.",
            &given->overwrite,
            false,
            {}},
           {"-n,--dry-run", "", "Tell what would be done, and write nothing.", &given->dry_run, false, {}}},
      .examples = {{"garner restore latest --to /tmp/all", "The newest snapshot."},
                   {"garner restore home@latest:/home/ann/letters --to /tmp/letters", "A folder of it."},
                   {"garner restore --version 3 ~/report.odt --to /tmp/old", "See garner versions."},
                   {"garner restore 4f2a91c0:notes.txt --to . --overwrite older",
                    "A file of a snapshot that its id names, in a set with one source."}},
      .details =
          {"SNAPSHOT is an id or its first four digits or more, latest, SET@latest, SET~N (the Nth before "
           "the "
           "latest) or SET@TIME (the last at or before, as 2026-11-22 or 2026-11-22T18:30). PATH is "
           "absolute, or "
           "relative to a set's only source.",
           "DIR receives the content of a set's only source; several sources keep their absolute paths below "
           "DIR; a single file lands in DIR under its name. The daemon writes, as itself. Ended early, it "
           "goes "
           "on when it is started again: what is right already is skipped."},
      .run =
          [given](Session& session) {
            v1::StartRestoreRequest request;
            request.set_target(absolute_path("--to", given->to));
            request.set_overwrite(parse_overwrite(given->overwrite));
            const SnapshotPath from = snapshot_path_of(session, *given);
            request.set_snapshot(from.snapshot);
            request.set_path(from.path);
            request.set_dry_run(given->dry_run);
            const int result = start_and_wait(
                session, false, [&](Session& s) { return s.call(&Stub::StartRestore, request); });
            if (given->dry_run && !session.json()) session.say("A dry run: nothing was written.");
            return result;
          },
  });
}

}  // namespace garner::client
